package org.edgefit.simulation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.edgefit.random.Seed;
import org.edgefit.simulation.RoundTimeline.Event;
import org.edgefit.simulation.RoundTimeline.Kind;
import org.jspecify.annotations.Nullable;

/**
 * A discrete-event simulation of rounds: each client downloads, trains and uploads at its device's
 * rates, which vary per round, or drops out; the server waits for all clients, or until a deadline.
 * A client's events depend only on the seed, the round and its id, not on other clients or on the
 * order in which rounds are simulated.
 */
public final class VirtualClock {

  private final Map<String, ClientWork> work;
  private final double deadlineSeconds;
  private final Seed seed;

  /**
   * Makes a clock.
   *
   * @param work what each client does in a round, by client id
   * @param deadlineSeconds how long the server waits; infinity for as long as it takes
   */
  public VirtualClock(Map<String, ClientWork> work, double deadlineSeconds, Seed seed) {
    if (!(deadlineSeconds > 0)) {
      throw new IllegalArgumentException("deadline: " + deadlineSeconds + " s (expected: > 0)");
    }
    this.work = new TreeMap<>(work);
    this.deadlineSeconds = deadlineSeconds;
    this.seed = seed.split("virtual clock");
  }

  /** Returns how long the server waits, in seconds. */
  public double deadlineSeconds() {
    return deadlineSeconds;
  }

  /**
   * Simulates a round.
   *
   * @param round the round, from 1
   * @param clients the ids of the clients that are asked
   * @throws IllegalArgumentException if a client is not known
   */
  public RoundTimeline round(int round, Iterable<String> clients) {
    PriorityQueue<Event> queue =
        new PriorityQueue<>(
            Comparator.comparingDouble(Event::seconds).thenComparing(Event::client));
    TreeMap<String, Course> courses = new TreeMap<>();
    for (String client : clients) {
      Course course = course(round, client);
      courses.put(client, course);
      queue.add(course.next(client, 0, null));
    }
    List<Event> events = new ArrayList<>();
    double end = 0;
    while (!queue.isEmpty()) {
      Event event = queue.remove();
      if (event.seconds() > deadlineSeconds) {
        break;
      }
      events.add(event);
      end = event.seconds();
      Course course = courses.get(event.client());
      if (event.kind() == Kind.ANSWERED || event.kind() == Kind.DROPPED || course == null) {
        courses.remove(event.client());
      } else {
        queue.add(course.next(event.client(), event.seconds(), event.kind()));
      }
    }
    if (!courses.isEmpty()) { // the deadline came
      end = deadlineSeconds;
      courses.keySet().forEach(client -> events.add(new Event(deadlineSeconds, client, Kind.LATE)));
    }
    return new RoundTimeline(round, events, end);
  }

  /**
   * How a client's round ends.
   *
   * @param seconds when, from its start
   * @param isDropped whether the client is gone then, or has answered
   */
  record End(double seconds, boolean isDropped) {}

  /** Returns whether it is known what a client does in a round. */
  boolean knows(String client) {
    return work.containsKey(client);
  }

  /** Returns how a client's round ends. */
  End end(int round, String client) {
    Course course = course(round, client);
    Event event = course.next(client, 0, null);
    while (event.kind() != Kind.ANSWERED && event.kind() != Kind.DROPPED) {
      event = course.next(client, event.seconds(), event.kind());
    }
    return new End(event.seconds(), event.kind() == Kind.DROPPED);
  }

  /** How long each part of a client's round takes, and when it leaves. */
  private record Course(double receiving, double training, double answering, double leaves) {

    /** Returns what happens after {@code kind}, or first if that is null. */
    Event next(String client, double now, @Nullable Kind kind) {
      Kind next =
          kind == null ? Kind.RECEIVED : kind == Kind.RECEIVED ? Kind.TRAINED : Kind.ANSWERED;
      double part = next == Kind.RECEIVED ? receiving : next == Kind.TRAINED ? training : answering;
      return now + part > leaves
          ? new Event(leaves, client, Kind.DROPPED)
          : new Event(now + part, client, next);
    }
  }

  private Course course(int round, String client) {
    ClientWork of = work.get(client);
    if (of == null) {
      throw new IllegalArgumentException(
          "client: " + client + " (expected: one of " + work.keySet() + ")");
    }
    DeviceProfile device = of.device();
    SplittableRandom random = seed.forRound(round).forClient(client).generator();
    double computing = StrictMath.exp(device.spread() * normal(random));
    double network = StrictMath.exp(device.spread() * normal(random));
    boolean isLeaving = random.nextDouble() < device.dropout();
    double when = random.nextDouble();
    double receiving =
        device.latencySeconds() + network * of.bytesDown() / device.downBytesPerSecond();
    double training = computing * of.flops() / device.flopsPerSecond();
    double answering = device.latencySeconds() + network * of.bytesUp() / device.upBytesPerSecond();
    double leaves =
        isLeaving ? when * (receiving + training + answering) : Double.POSITIVE_INFINITY;
    return new Course(receiving, training, answering, leaves);
  }

  /** Draws from the standard normal distribution (Box, Muller 1958), alike on every machine. */
  private static double normal(SplittableRandom random) {
    double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
    return radius * StrictMath.cos(2 * Math.PI * random.nextDouble());
  }
}
