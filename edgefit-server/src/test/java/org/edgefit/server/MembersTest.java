package org.edgefit.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.edgefit.client.RunSettings;
import org.edgefit.proto.Join;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.codec.WireCodec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class MembersTest {

  private static final String HASH = "ab".repeat(32);

  private final Members members =
      new Members(new RunTerms("run", HASH, RunSettings.defaults(), Duration.ofSeconds(1)));

  private static Join join(String id) {
    return Join.newBuilder()
        .setProtocol(WireCodec.PROTOCOL)
        .setClientId(id)
        .setInstance(1)
        .setBaseModelHash(HASH)
        .build();
  }

  private static StreamObserver<ServerMessage> session() {
    return new StreamObserver<>() {
      @Override
      public void onNext(ServerMessage message) {}

      @Override
      public void onError(Throwable failure) {}

      @Override
      public void onCompleted() {}
    };
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("refusedJoins")
  void joinOutOfBoundsIsRefusedByWhatIsWrong(Join join, String description) {
    assertThat(Objects.requireNonNull(members.refusal(join)).getDescription())
        .isEqualTo(description);
  }

  static Stream<Arguments> refusedJoins() {
    Join plain = join("home");
    return Stream.of(
        Arguments.of(plain.toBuilder().setProtocol(9).build(), "protocol: 9 (expected: 3)"),
        Arguments.of(
            plain.toBuilder().setClientId("a.b").build(),
            "client id: \"a.b\" (expected: 1 to 64 of A-Z a-z 0-9 - _, the first a letter or digit)"),
        Arguments.of(
            plain.toBuilder().setRunId("old").build(),
            "run: old (expected: run, this server's run)"),
        Arguments.of(
            plain.toBuilder().addAllTasks(Collections.nCopies(65, 1L)).build(),
            "tasks: 65 (expected: at most 64)"),
        Arguments.of(
            plain.toBuilder().putAllDescription(described(33, 1)).build(),
            "description: 33 properties (expected: at most 32)"),
        Arguments.of(
            plain.toBuilder().putDescription("k".repeat(65), "v").build(),
            "description: a property of 65 + 1 characters (expected: at most 64 + 256)"),
        Arguments.of(
            plain.toBuilder().putDescription("k", "v".repeat(257)).build(),
            "description: a property of 1 + 257 characters (expected: at most 64 + 256)"),
        Arguments.of(
            plain.toBuilder().putAllDescription(described(32, 63)).build(),
            "description: 2112 characters (expected: at most 2048)"),
        Arguments.of(
            plain.toBuilder().setBaseModelHash("cd".repeat(32)).build(),
            "base model: " + "cd".repeat(32) + " (expected: " + HASH + ", the run's)"));
  }

  /** Returns properties whose keys are three characters, and whose values are so many. */
  private static Map<String, String> described(int count, int characters) {
    Map<String, String> description = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      description.put("k" + (10 + i), "v".repeat(characters));
    }
    return description;
  }

  @Test
  void joinAtTheBoundsIsTaken() {
    Join most =
        join("home").toBuilder()
            .setRunId("run")
            .addAllTasks(Collections.nCopies(64, 1L))
            .putAllDescription(described(31, 60))
            .putDescription("k".repeat(64), "v".repeat(31))
            .build();
    assertThat(members.refusal(most)).isNull(); // 31 * 63 + 64 + 31 are 2048 characters
    Join longest = join("home").toBuilder().putDescription("k".repeat(64), "v".repeat(256)).build();
    assertThat(members.refusal(longest)).isNull();
  }

  @Test
  void modelOfTheFirstClientMustBeAHash() {
    Members open =
        new Members(new RunTerms("run", null, RunSettings.defaults(), Duration.ofSeconds(1)));
    for (String hash : List.of("", "ab", "AB".repeat(32), "xy".repeat(32))) {
      assertThat(
              Objects.requireNonNull(
                      open.refusal(join("a").toBuilder().setBaseModelHash(hash).build()))
                  .getDescription())
          .isEqualTo("base model: " + hash + " (expected: 64 hexadecimal digits)");
    }
    open.add(join("a"), session());
    assertThat(open.baseModelHash()).isEqualTo(HASH);
  }

  @Test
  void memberIsKnownByItsProcessAndSession() {
    StreamObserver<ServerMessage> first = session();
    StreamObserver<ServerMessage> other = session();
    members.add(join("a"), first);
    assertThat(members.has("a", 1)).isTrue();
    assertThat(members.has("a", 2)).isFalse();
    assertThat(members.has("b", 1)).isFalse();
    assertThat(members.lose("a", other)).isFalse();
    assertThat(members.lose("b", first)).isFalse();
    assertThat(members.connected()).hasSize(1);
    assertThat(members.lose("a", first)).isTrue();
    assertThat(members.connected()).isEmpty();
    assertThat(members.has("a", 1)).isTrue(); // it may come back
  }

  @Test
  void thoseThatLeftAreForgottenButForThoseThatAreAsked() {
    for (String id : new String[] {"here", "asked", "gone"}) {
      StreamObserver<ServerMessage> session = session();
      members.add(join(id), session);
      if (!id.equals("here")) {
        members.lose(id, session);
      }
    }
    members.forgetLost("asked"::equals);
    assertThat(members.all()).extracting(Member::id).containsExactly("asked", "here");
    assertThat(members.refusal(join("gone"))).isNull(); // it may come again
  }

  @Test
  void soManyAreTakenInAndNoMore() {
    int count = 0;
    while (members.refusal(join("home-" + count)) == null) {
      members.add(join("home-" + count), session());
      count++;
    }
    assertThat(count).isEqualTo(20_000);
    assertThat(Objects.requireNonNull(members.refusal(join("late"))).getDescription())
        .isEqualTo("clients: 20000 have joined, which is the maximum");
    assertThat(members.refusal(join("home-7"))).isNull(); // a known one comes back
  }
}
