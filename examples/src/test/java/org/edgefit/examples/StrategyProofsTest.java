package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.edgefit.examples.strategies.Recipes;
import org.edgefit.federation.RunResult;
import org.edgefit.run.RoundSummary;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Strategies with a state at the server or the clients, with history, with ranks that differ, and
 * without a barrier: killed inside a round and resumed, they end in the same bits as undisturbed,
 * in process and over gRPC, without a line of their own for it.
 */
@Timeout(300)
class StrategyProofsTest {

  @TempDir Path temp;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "server-step",
        "scaffold",
        "fedprox",
        "own-local-rule",
        "mixed-ranks",
        "buffer",
        "power-of-choice",
        "early-stop",
        "from-nothing"
      })
  void killedInsideARoundAndResumedEndsInTheSameBits(String recipe) throws Exception {
    assertThat(Recipes.all()).containsKey(recipe);
    RunResult undisturbed =
        ProofRun.run("in-process", recipe, temp.resolve("undisturbed").resolve("run"), false);
    assertThat(undisturbed.history().rounds().subList(1, 3)).allMatch(round -> round.trained() > 0);
    for (String mode : new String[] {"in-process", "grpc"}) {
      Path directory = temp.resolve(mode).resolve("run");
      JavaProcess killed =
          JavaProcess.run(ProofRun.class, mode, recipe, directory.toString(), "kill");
      assertThat(killed.status()).as(killed.err()).isEqualTo(137);
      String log = Files.readString(directory.resolve("journal.log"));
      assertThat(log).contains("\"event\":\"roundOpened\",\"round\":3");
      assertThat(log).doesNotContain("\"event\":\"roundClosed\",\"round\":3");

      RunResult resumed = ProofRun.run(mode, recipe, directory, false);
      for (RoundSummary round : resumed.history().rounds()) {
        RoundSummary expected = undisturbed.history().rounds().get(round.round());
        assertThat(round.adapterSha256())
            .as("%s, round %d", mode, round.round())
            .isEqualTo(expected.adapterSha256());
        assertThat(round.state()).isEqualTo(expected.state());
        assertThat(round.fitMetrics()).isEqualTo(expected.fitMetrics());
      }
      assertThat(resumed.history().rounds()).hasSameSizeAs(undisturbed.history().rounds());
      assertThat(resumed.history().bytesMoved()).isEqualTo(undisturbed.history().bytesMoved());
    }
  }
}
