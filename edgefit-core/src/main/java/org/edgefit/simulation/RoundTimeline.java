package org.edgefit.simulation;

import java.util.List;

/**
 * The simulated events of a round, on a clock that starts with it.
 *
 * @param round the round, from 1
 * @param events what happened, in order
 * @param seconds when every client had ended, or the deadline
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
    /** It dropped. */
    DROPPED,
    /** It missed the deadline. */
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

  /** Copies the list. */
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
