package org.edgefit.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

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
