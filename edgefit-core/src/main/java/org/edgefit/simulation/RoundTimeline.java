package org.edgefit.simulation;

import java.util.List;

/**
 * What would have happened in a round, on the virtual clock that starts with it.
 *
 * @param round the round, from 1
 * @param events what happened, in order
 * @param seconds when the server had heard of all, or the deadline came
 */
public record RoundTimeline(int round, List<Event> events, double seconds) {

  /** What happens to a client in a round. */
  public enum Kind {
    /** It has the adapter. */
    RECEIVED,
    /** It has trained. */
    TRAINED,
    /** The server has its change. */
    ANSWERED,
    /** It is gone. */
    DROPPED,
    /** The server no longer waits for it. */
    LATE
  }

  /**
   * Something that happens to a client.
   *
   * @param seconds when, from the round's start
   * @param client the client's id
   * @param kind what
   */
  public record Event(double seconds, String client, Kind kind) {}

  /** Keeps its own list. */
  public RoundTimeline {
    events = List.copyOf(events);
  }

  /** Returns the clients to which something happened, in the order in which it did. */
  public List<String> clients(Kind kind) {
    return events.stream().filter(event -> event.kind() == kind).map(Event::client).toList();
  }

  /** Returns when something happened to a client, or infinity if it did not. */
  public double time(String client, Kind kind) {
    return events.stream()
        .filter(event -> event.kind() == kind && event.client().equals(client))
        .mapToDouble(Event::seconds)
        .findFirst()
        .orElse(Double.POSITIVE_INFINITY);
  }
}
