package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.edgefit.federation.FakeClient.random;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.edgefit.file.Sha256;
import org.edgefit.run.OnDamage;
import org.edgefit.run.RunEvent;
import org.edgefit.strategy.RoundContext;
import org.edgefit.strategy.Strategy;
import org.edgefit.strategy.Update;
import org.edgefit.strategy.Weighting;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run goes on from, and what it refuses to go on from, after its files were damaged. */
class RunRecoveryTest {

  private static final int ROUNDS = 5;

  @TempDir Path temp;
  private Path run;
  private String end;

  private Federation.Builder federation() {
    return Federation.builder()
        .strategy(Strategy.fedAvg().clientsPerRound(2))
        .clients(InProcessClients.of(List.of(random("a"), random("b"), random("c"))))
        .adapter(FakeClient.start())
        .seed(7)
        .runDirectory(run);
  }

  @BeforeEach
  void runWhole() throws Exception {
    run = temp.resolve("run");
    end = federation().build().run(ROUNDS).adapterSha256();
  }

  private static void flip(Path file, long at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) at] ^= 4;
    Files.write(file, bytes);
  }

  private Set<String> hashesOf(Path folder) throws IOException {
    Set<String> hashes = new TreeSet<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        hashes.add(Sha256.of(file));
      }
    }
    return hashes;
  }

  private static long offsetOfLine(Path file, int line) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int at = 0;
    for (int l = 1; l < line; at++) {
      l += bytes[at] == '\n' ? 1 : 0;
    }
    return at;
  }

  @Test
  void damagedRowsOfMetricsCostNothing() throws Exception {
    Path metrics = run.resolve("metrics.jsonl");
    String before = Files.readString(metrics);
    flip(metrics, 3);
    RunResult resumed = federation().resume().build().run(ROUNDS);
    assertThat(resumed.history().rounds()).hasSize(ROUNDS + 1);
    assertThat(resumed.adapterSha256()).isEqualTo(end);
    assertThat(metrics).content().isEqualTo(before);
    assertThat(run.resolve("aside/1/metrics.jsonl")).exists();
  }

  @ParameterizedTest
  @CsvSource({
    "rounds/0002/adapter/adapter_model.safetensors, SHA-256",
    "rounds/0002/adapter/adapter_config.json, SHA-256",
    "rounds/0002/updates/*, SHA-256",
    "rounds/0002/adapter/adapter_model.safetensors, missing",
    "rounds/0002/updates/*, missing"
  })
  void damagedFileOfAClosedRoundIsRefusedByFileAndLineOrGoneBackOn(String pattern, String how)
      throws Exception {
    Path file = run.resolve(pattern);
    if (pattern.endsWith("*")) {
      try (Stream<Path> updates = Files.list(file.getParent())) {
        file = updates.sorted().findFirst().orElseThrow();
      }
    }
    if (how.equals("missing")) {
      Files.delete(file);
    } else {
      flip(file, Files.size(file) / 2);
    }
    Set<String> before = hashesOf(run);
    String name = String.valueOf(file.getFileName());
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(name)
        .hasMessageContaining(how)
        .hasMessageContaining("journal.log:");
    assertThat(hashesOf(run)).isEqualTo(before);

    List<String> said = new ArrayList<>();
    RunListener listener =
        event -> {
          if (event instanceof RunEvent.RunResumed resumed) {
            said.addAll(resumed.notes());
          }
        };
    RunResult resumed =
        federation().resume(OnDamage.GO_BACK).listener(listener).build().run(ROUNDS);
    assertThat(said).singleElement().asString().contains("rollback to round 1", name);
    assertThat(resumed.adapterSha256()).isEqualTo(end);
    assertThat(hashesOf(run)).containsAll(before); // nothing is deleted
    assertThat(federation().resume().build().run(ROUNDS).adapterSha256()).isEqualTo(end);
  }

  @ParameterizedTest(name = "line {0}")
  @ValueSource(ints = {1, 2, 9, 20})
  void damagedLineInTheMiddleOfTheLogIsRefusedByItsNumber(int line) throws Exception {
    Path log = run.resolve("journal.log");
    flip(log, offsetOfLine(log, line) + 40);
    byte[] before = Files.readAllBytes(log);
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("journal.log:" + line + ": byte " + offsetOfLine(log, line));
    assertThat(Files.readAllBytes(log)).isEqualTo(before);
  }

  @Test
  void lengthOfALineThatReachesBeyondTheLogIsDamageToo() throws Exception {
    Path log = run.resolve("journal.log");
    byte[] bytes = Files.readAllBytes(log);
    bytes[(int) offsetOfLine(log, 9)] = '7'; // two thousand million bytes
    Files.write(log, bytes);
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("journal.log:9");
  }

  @ParameterizedTest(name = "{0} bytes less")
  @ValueSource(ints = {1, 2, 30, 200})
  void tornLastLineIsCutAndSaid(int less) throws Exception {
    Path log = run.resolve("journal.log");
    byte[] whole = Files.readAllBytes(log);
    byte[] torn = Arrays.copyOf(whole, whole.length - less);
    Files.write(log, torn);
    List<String> said = new ArrayList<>();
    RunListener listener =
        event -> {
          if (event instanceof RunEvent.RunResumed resumed) {
            said.addAll(resumed.notes());
          }
        };
    RunResult resumed = federation().resume().listener(listener).build().run(ROUNDS);
    assertThat(resumed.adapterSha256()).isEqualTo(end);
    assertThat(said).singleElement().asString().contains("was truncated");
    assertThat(run.resolve("aside/1/journal.log")).hasBinaryContent(torn);
  }

  @Test
  void missingOrAlteredManifestIsRefused() throws Exception {
    Path manifest = run.resolve("run.json");
    String whole = Files.readString(manifest);
    Files.delete(manifest);
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("run.json: missing");
    Files.writeString(manifest, whole.replace("\"seed\" : 7", "\"seed\" : 8"));
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("run.json: altered");
    Files.writeString(manifest, whole.replace("\"format\" : 1", "\"format\" : 9"));
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("run.json: format 9 (expected: 1)");
  }

  @Test
  void logOfAnotherFormatIsRefusedByBoth() throws Exception {
    Path log = run.resolve("journal.log");
    String text = "{\"n\":1,\"event\":\"runOpened\",\"format\":7,\"run\":\"x\",\"settings\":{}}";
    java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    Files.writeString(log, "%08x %08x %s%n".formatted(text.length(), crc.getValue(), text));
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("journal.log:1: format 7 (expected: 1)");
  }

  @Test
  void missingLogIsRefused() throws Exception {
    Files.delete(run.resolve("journal.log"));
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("journal.log: missing");
  }

  @Test
  void otherSettingsAreRefusedByNameAndBothValues() {
    assertThatThrownBy(
            () ->
                federation()
                    .strategy(Strategy.fedAvg().clientsPerRound(3))
                    .resume()
                    .build()
                    .run(ROUNDS))
        .hasMessageContaining("strategy.sampler.count: 3 (expected: 2, as in the original run");
  }

  @ParameterizedTest(name = "lines: {0}")
  @ValueSource(ints = {0, 1, 2, 9, 17})
  void logThatHasLostItsEndIsRefusedAndNothingIsLost(int lines) throws Exception {
    Path log = run.resolve("journal.log");
    byte[] whole = Files.readAllBytes(log);
    Files.write(log, Arrays.copyOf(whole, (int) offsetOfLine(log, lines + 1)));
    Set<String> before = hashesOf(run);
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("journal.log");
    assertThat(hashesOf(run)).isEqualTo(before);
    if (lines > 2) {
      assertThat(federation().resume(OnDamage.GO_BACK).build().run(ROUNDS).adapterSha256())
          .isEqualTo(end);
      assertThat(hashesOf(run)).containsAll(before);
    }
  }

  @Test
  void alteredLastLineIsDamageAndNotTorn() throws Exception {
    Path log = run.resolve("journal.log");
    flip(log, Files.size(log) - 10);
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("the line is corrupt")
        .hasMessageContaining("--go-back");
  }

  @Test
  void missingLineIsGoneBackOn() throws Exception {
    Path log = run.resolve("journal.log");
    List<String> lines = new ArrayList<>(Files.readAllLines(log));
    lines.remove(10);
    Files.writeString(log, String.join("\n", lines) + "\n");
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("journal.log:11: event 12 (expected: event 11)");
    assertThat(federation().resume(OnDamage.GO_BACK).build().run(ROUNDS).adapterSha256())
        .isEqualTo(end);
  }

  @ParameterizedTest
  @ValueSource(strings = {"updates", "adapter"})
  void alteredFileOfAnOpenRoundIsRefusedOrGoneBackOn(String folder) throws Exception {
    Path log = run.resolve("journal.log");
    List<String> lines = Files.readAllLines(log);
    int last = lines.size() - 1;
    while (!lines.get(last).contains("\"roundClosed\"")) {
      last--;
    }
    Files.writeString(log, String.join("\n", lines.subList(0, last)) + "\n");
    Path round = run.resolve("rounds/000" + (folder.equals("updates") ? ROUNDS : ROUNDS - 1));
    try (Stream<Path> files = Files.list(round.resolve(folder))) {
      Path file =
          files.filter(path -> path.toString().endsWith("tensors")).findFirst().orElseThrow();
      flip(file, Files.size(file) / 2);
    }
    assertThatThrownBy(() -> federation().resume().build().run(ROUNDS))
        .hasMessageContaining("SHA-256")
        .hasMessageContaining("journal.log:");
    assertThat(federation().resume(OnDamage.GO_BACK).build().run(ROUNDS).adapterSha256())
        .isEqualTo(end);
  }

  @Test
  void taskNumbersOfRoundsThatAreGoneBackOnAreNotGivenAgain() throws Exception {
    flip(run.resolve("rounds/0002/adapter/adapter_model.safetensors"), 200);
    Set<Long> before = tasksIn(run.resolve("journal.log"));
    federation().resume(OnDamage.GO_BACK).build().run(ROUNDS);
    Set<Long> kept = tasksIn(run.resolve("journal.log"));
    kept.removeAll(before);
    assertThat(kept).hasSize(2 * (ROUNDS - 1)).allMatch(task -> task > 2 * ROUNDS);
  }

  private static Set<Long> tasksIn(Path log) throws IOException {
    Set<Long> tasks = new TreeSet<>();
    Matcher task = Pattern.compile("\"task\":([0-9]+)").matcher(Files.readString(log));
    while (task.find()) {
      tasks.add(Long.valueOf(task.group(1)));
    }
    return tasks;
  }

  @Test
  void directoryMayBeGivenByARelativePath() throws Exception {
    Path here = Path.of("").toAbsolutePath();
    run = here.relativize(run.toAbsolutePath());
    Path log = run.resolve("journal.log");
    byte[] whole = Files.readAllBytes(log);
    Files.write(log, Arrays.copyOf(whole, whole.length - 20));
    assertThat(federation().resume().build().run(ROUNDS).adapterSha256()).isEqualTo(end);
    flip(run.resolve("rounds/0003/adapter/adapter_model.safetensors"), 200);
    assertThat(federation().resume(OnDamage.GO_BACK).build().run(ROUNDS).adapterSha256())
        .isEqualTo(end);
  }

  @Test
  void alteredFinalAdapterIsSetAsideAndWrittenAnew() throws Exception {
    Path weights = run.resolve("adapter/adapter_model.safetensors");
    String before = Sha256.of(weights);
    flip(weights, Files.size(weights) - 1);
    String altered = Sha256.of(weights);
    federation().resume().build().run(ROUNDS);
    assertThat(Sha256.of(weights)).isEqualTo(before);
    assertThat(Sha256.of(run.resolve("aside/1/adapter/adapter_model.safetensors")))
        .isEqualTo(altered);
  }

  @Test
  void helperWhoseContentIsNotComparedAndOtherArraysAreSaidOrRefused() throws Exception {
    Path other = temp.resolve("other");
    run = other;
    federation().strategy(weighed(new double[] {1, 2})).build().run(1);
    assertThatThrownBy(
            () -> federation().strategy(weighed(new double[] {1, 3})).resume().build().run(2))
        .hasMessageContaining("strategy.weighting.values: [1.0, 3.0] (expected: [1.0, 2.0]");
    List<String> said = new ArrayList<>();
    RunListener listener =
        event -> {
          if (event instanceof RunEvent.RunResumed resumed) {
            said.addAll(resumed.notes());
          }
        };
    federation().strategy(weighed(new double[] {1, 2})).resume().listener(listener).build().run(2);
    assertThat(said).singleElement().asString().contains("weighting.helper", "cannot be compared");
  }

  /** A weighting with what can be compared, and what cannot. */
  private static final class Weighed implements Weighting {
    private final double[] values;

    @SuppressWarnings("unused") // read by the comparison of settings alone
    private final Object helper = new Object();

    Weighed(double[] values) {
      this.values = values;
    }

    @Override
    public double of(RoundContext round, Update update) {
      return values[0];
    }
  }

  private static Strategy weighed(double[] values) {
    return Strategy.fedAvg().clientsPerRound(2).weighting(new Weighed(values));
  }
}
