package org.edgefit.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.random.Seed;
import org.edgefit.simulation.RoundTimeline.Event;
import org.edgefit.simulation.RoundTimeline.Kind;
import org.junit.jupiter.api.Test;

class VirtualClockTest {

  /** Receives 100, trains 10 and sends 50 per second. */
  private static final DeviceProfile PLAIN = new DeviceProfile("plain", 1, 10, 100, 50, 0.5, 0, 0);

  private static VirtualClock clock(DeviceProfile device, double deadline, long seed) {
    Map<String, ClientWork> work = new TreeMap<>();
    for (int i = 0; i < 50; i++) {
      work.put("home-" + i, new ClientWork(device, 200, 30.0 * (i + 1), 100));
    }
    return new VirtualClock(work, deadline, new Seed(seed));
  }

  @Test
  void partsOfARoundTakeWhatTheDeviceSays() {
    RoundTimeline timeline = clock(PLAIN, Double.POSITIVE_INFINITY, 1).round(1, List.of("home-0"));
    assertThat(timeline.events())
        .containsExactly(
            new Event(2.5, "home-0", Kind.RECEIVED), // 0.5 s, and 200 at 100 per second
            new Event(5.5, "home-0", Kind.TRAINED), // 30 at 10
            new Event(8.0, "home-0", Kind.ANSWERED)); // 0.5 s, and 100 at 50
    assertThat(timeline.seconds()).isEqualTo(8.0);
    assertThat(PLAIN.transferSeconds(200)).isEqualTo(1.0 + 2 + 4);
  }

  @Test
  void serverWaitsForTheSlowestOrUntilItsDeadline() {
    List<String> asked = List.of("home-0", "home-3", "home-1");
    RoundTimeline all = clock(PLAIN, Double.POSITIVE_INFINITY, 1).round(1, asked);
    assertThat(all.seconds()).isEqualTo(17.0);
    assertThat(all.clients(Kind.ANSWERED)).containsExactly("home-0", "home-1", "home-3");
    assertThat(all.events())
        .isSortedAccordingTo((a, b) -> Double.compare(a.seconds(), b.seconds()));

    RoundTimeline some = clock(PLAIN, 12, 1).round(1, asked);
    assertThat(some.seconds()).isEqualTo(12);
    assertThat(some.clients(Kind.ANSWERED)).containsExactly("home-0", "home-1");
    assertThat(some.clients(Kind.LATE)).containsExactly("home-3");
  }

  @Test
  void whatHappensToAClientDoesNotDependOnTheOthers() {
    DeviceProfile device = new DeviceProfile("loose", 1, 10, 100, 50, 0, 0.3, 0.4);
    VirtualClock clock = clock(device, Double.POSITIVE_INFINITY, 7);
    RoundTimeline all = clock.round(3, List.of("home-9", "home-4", "home-2"));
    RoundTimeline one = clock.round(3, List.of("home-4"));
    assertThat(all.events().stream().filter(event -> event.client().equals("home-4")).toList())
        .isEqualTo(one.events());
    assertThat(clock(device, Double.POSITIVE_INFINITY, 7).round(3, List.of("home-4")))
        .isEqualTo(one);
    assertThat(clock.round(4, List.of("home-4")).events()).isNotEqualTo(one.events());
    assertThat(clock(device, Double.POSITIVE_INFINITY, 8).round(3, List.of("home-4")).events())
        .isNotEqualTo(one.events());
  }

  @Test
  void clientsLeaveAndVaryAsOftenAsTheirDeviceSays() {
    DeviceProfile device = new DeviceProfile("loose", 1, 10, 100, 50, 0, 0.25, 0.3);
    VirtualClock clock = clock(device, Double.POSITIVE_INFINITY, 2);
    int dropped = 0;
    int trained = 0;
    double logs = 0;
    double squares = 0;
    for (int round = 1; round <= 400; round++) {
      for (int client = 0; client < 50; client++) {
        String id = "home-" + client;
        RoundTimeline timeline = clock.round(round, List.of(id));
        if (!timeline.clients(Kind.DROPPED).isEmpty()) {
          dropped++;
          assertThat(timeline.clients(Kind.ANSWERED)).isEmpty();
        } else {
          double seconds = timeline.time(id, Kind.TRAINED) - timeline.time(id, Kind.RECEIVED);
          double log = Math.log(seconds / (3.0 * (client + 1)));
          logs += log;
          squares += log * log;
          trained++;
        }
      }
    }
    assertThat(dropped / 20_000.0).isCloseTo(0.25, within(0.01));
    assertThat(logs / trained).isCloseTo(0, within(0.01));
    assertThat(Math.sqrt(squares / trained)).isCloseTo(0.3, within(0.01));
  }

  @Test
  void answerAtTheDeadlineItselfIsInTime() {
    VirtualClock clock = clock(PLAIN, 8, 1);
    assertThat(clock.deadlineSeconds()).isEqualTo(8);
    RoundTimeline timeline = clock.round(1, List.of("home-0", "home-1"));
    assertThat(timeline.clients(Kind.ANSWERED)).containsExactly("home-0"); // after 8 s
    assertThat(timeline.clients(Kind.LATE)).containsExactly("home-1"); // it would after 11 s
    assertThat(timeline.time("home-1", Kind.LATE)).isEqualTo(8);
    assertThat(timeline.time("home-1", Kind.ANSWERED)).isInfinite();
  }

  @Test
  void roundOfNobodyIsOverAtOnce() {
    RoundTimeline timeline = clock(PLAIN, 8, 1).round(3, List.of());
    assertThat(timeline).isEqualTo(new RoundTimeline(3, List.of(), 0));
  }

  @Test
  void eventsAtOneTimeComeByTheirClientsIds() {
    DeviceProfile device = new DeviceProfile("same", 1, 1, 1, 1, 0, 0, 0);
    Map<String, ClientWork> work = new TreeMap<>();
    for (String id : List.of("c", "a", "b")) {
      work.put(id, new ClientWork(device, 1, 1, 1));
    }
    RoundTimeline timeline =
        new VirtualClock(work, 2, new Seed(1)).round(1, List.of("b", "c", "a"));
    assertThat(timeline.clients(Kind.RECEIVED)).containsExactly("a", "b", "c");
    assertThat(timeline.clients(Kind.TRAINED)).containsExactly("a", "b", "c");
    assertThat(timeline.clients(Kind.LATE)).containsExactly("a", "b", "c");
  }

  /** One draw per round and client slows, or speeds, what it receives and what it sends. */
  @Test
  void networkOfARoundIsAsFastBothWays() {
    DeviceProfile device = new DeviceProfile("loose", 1, 10, 100, 50, 0.5, 0, 0.4);
    VirtualClock clock = clock(device, Double.POSITIVE_INFINITY, 5);
    for (int round = 1; round <= 20; round++) {
      RoundTimeline timeline = clock.round(round, List.of("home-2"));
      double received = timeline.time("home-2", Kind.RECEIVED);
      double sending =
          timeline.time("home-2", Kind.ANSWERED) - timeline.time("home-2", Kind.TRAINED);
      double down = (received - 0.5) / (200 / 100.0);
      double up = (sending - 0.5) / (100 / 50.0);
      assertThat(down).isCloseTo(up, within(1e-9)).isNotEqualTo(1);
    }
  }

  /** Of a course of 2.5, 3 and 2.5 s, each tenth is as likely to be the one in which it leaves. */
  @Test
  void clientLeavesAnywhereOnItsWayWithTheSameProbability() {
    DeviceProfile device = new DeviceProfile("leaving", 1, 10, 100, 50, 0.5, 1, 0);
    VirtualClock clock = clock(device, Double.POSITIVE_INFINITY, 6);
    int[] tenths = new int[10];
    int received = 0;
    int trained = 0;
    for (int round = 1; round <= 10_000; round++) {
      RoundTimeline timeline = clock.round(round, List.of("home-0"));
      double left = timeline.time("home-0", Kind.DROPPED);
      tenths[(int) (left / 0.8)]++;
      received += timeline.clients(Kind.RECEIVED).size();
      trained += timeline.clients(Kind.TRAINED).size();
      assertThat(timeline.seconds()).isEqualTo(left);
    }
    for (int tenth : tenths) {
      assertThat(tenth / 10_000.0).isCloseTo(0.1, within(0.015));
    }
    assertThat(received / 10_000.0).isCloseTo(5.5 / 8, within(0.02));
    assertThat(trained / 10_000.0).isCloseTo(2.5 / 8, within(0.02));
  }

  @Test
  void endOfAClientsRoundIsThatOfItsTimeline() {
    DeviceProfile device = new DeviceProfile("loose", 1, 10, 100, 50, 0.5, 0.5, 0.3);
    VirtualClock clock = clock(device, Double.POSITIVE_INFINITY, 9);
    int dropped = 0;
    for (int round = 1; round <= 50; round++) {
      RoundTimeline timeline = clock.round(round, List.of("home-7"));
      VirtualClock.End end = clock.end(round, "home-7");
      Kind last = end.isDropped() ? Kind.DROPPED : Kind.ANSWERED;
      assertThat(timeline.time("home-7", last)).isEqualTo(end.seconds());
      dropped += end.isDropped() ? 1 : 0;
    }
    assertThat(dropped).isBetween(10, 40);
    assertThat(clock.knows("home-7")).isTrue();
    assertThat(clock.knows("home-50")).isFalse();
  }

  @Test
  void timelineKeepsItsOwnEvents() {
    List<Event> events = new ArrayList<>(List.of(new Event(1, "a", Kind.RECEIVED)));
    RoundTimeline timeline = new RoundTimeline(1, events, 1);
    events.clear();
    assertThat(timeline.events()).hasSize(1);
  }

  @Test
  void badValuesAreNamed() {
    assertThatThrownBy(() -> DeviceProfile.named("a1O"))
        .hasMessage("device: a1O (expected: one of [a10, jetson-orin-nano, raspberry-pi-5])");
    assertThatThrownBy(() -> new DeviceProfile("d", 1, 1, 1, 1, 0, 1.5, 0))
        .hasMessage("dropout: 1.5 (expected: 0 to 1)");
    assertThatThrownBy(() -> clock(PLAIN, 0, 1)).hasMessage("deadline: 0.0 s (expected: > 0)");
    assertThatThrownBy(() -> clock(PLAIN, 1, 1).round(1, List.of("home-50")))
        .hasMessageStartingWith("client: home-50 (expected: one of ");
  }
}
