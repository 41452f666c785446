package org.edgefit.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Objects;
import org.edgefit.client.RunSettings;
import org.edgefit.proto.Join;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.codec.WireCodec;
import org.junit.jupiter.api.Test;

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
