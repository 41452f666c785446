package org.edgefit.examples.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.edgefit.client.qlora.Scoring;
import org.edgefit.metrics.Prediction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The report's page, also in a browser where there is one (Chromium, by PATH). */
class ReportPageTest {

  private static final List<String> LABELS =
      List.of("Anomaly", "Normal", "lights", "climate", "security", "appliance", "media");

  @TempDir Path temp;

  private static Measured measured(int wrong, List<Measured.Round> rounds) {
    List<Prediction> cases = new ArrayList<>();
    for (int i = 0; i < 70; i++) {
      String label = LABELS.get(i % LABELS.size());
      cases.add(new Prediction(label, i < wrong ? null : label));
    }
    return new Measured(LABELS, Map.of(Scoring.GENERATION, cases), 12, 1_000_000, 0.9, rounds);
  }

  @BeforeEach
  void write() throws IOException {
    Path file =
        Files.writeString(
            temp.resolve("page.yaml"),
            """
            evaluation: {scorings: [generation], resamples: 20}
            tiers:
              gateway: {device: a10}
              hub: {device: raspberry-pi-5}
            """);
    ExperimentConfig config = ExperimentConfig.read(file);
    Tiers tiers = Tiers.of(config, "tiny-home", BaseModels.config("tiny-home"));
    ExperimentReport report = new ExperimentReport(config, Map.of("tiny-home", tiers));
    List<Measured.Round> rounds =
        List.of(
            new Measured.Round(0.1, 0, 0, 0, 0, 0, 0),
            new Measured.Round(0.85, 500_000, 3, 40, 30, 5, 4));
    report.results(
        "tiny-home",
        1,
        Map.of(
            Procedure.ZERO_SHOT, List.of(measured(70, List.of())),
            Procedure.LOCAL_ONLY, List.of(measured(30, List.of()), measured(40, List.of())),
            Procedure.CENTRALISED, List.of(measured(2, List.of())),
            Procedure.FEDERATED, List.of(measured(5, rounds))));
    for (long seed = 1; seed <= 2; seed++) {
      report.results(
          "random:phi-3-mini",
          seed,
          Map.of(Procedure.FEDERATED, List.of(measured(7 * (int) seed, rounds))));
    }
    report.memory(
        List.of(
            new MeasuredMemory("phi-3-mini", 4000, 3900),
            new MeasuredMemory("llama-2-7b", 6200, Double.NaN)));
    report.write(temp);
  }

  @Test
  void pageSaysWhatWasMeasured() throws IOException {
    assertThat(temp.resolve("report.md"))
        .content()
        .contains("macro-F1 of 0.8: after round 1, 40.0 s on the tiers and 0.5 MB")
        .contains("1 of 5 clients dropped out, were late or failed")
        .contains(
            "| phi-3-mini | 4000 | 3900 | gateway, hub | 8 GB | 0.22, 0.81, 0.80 | –, –, 0.918 |")
        .contains("| the paper, Phi-3-mini |  |  |  | 0.80 |")
        .contains("| federated | 2 | 0.850 ± 0.071 |")
        .contains("| llama-2-7b | 6200 | not measured |  | 24 GB |");
    assertThat(temp.resolve("numbers.csv"))
        .content()
        .contains("tiny-home,1,local-only,generation,accuracy,0.500000,")
        .contains("tiny-home,1,centralised,generation,f1 of media,1.000000,")
        .contains("tiny-home,1,federated,generation,invalid,0.071429,")
        .contains("tiny-home,1,local-only,generation,seconds,24.000000,24.000000,24.000000,none")
        .contains(",deviation")
        .contains(",bootstrap-95");
  }

  /** Wide tables scroll in boxes of their own: the page never does. */
  @ParameterizedTest(name = "{0} pixels")
  @ValueSource(ints = {390, 1200})
  void pageIsAsWideAsItsWindow(int width) throws Exception {
    Path browser = browser();
    assumeTrue(browser != null, "no chromium in PATH: the page was not opened");
    String page = Document.escaped(Files.readString(temp.resolve("report.html")));
    Path frame =
        Files.writeString(
            temp.resolve("frame.html"),
            "<!doctype html><title>none</title><iframe id=f width="
                + width
                + " height=800 srcdoc=\""
                + page
                + "\"></iframe><script>f.onload = () => { const d = f.contentDocument;"
                + " document.title = 'wide ' + d.documentElement.scrollWidth + ' tables '"
                + " + d.querySelectorAll('table').length + ' drawings '"
                + " + [...d.querySelectorAll('svg')].filter(s => s.clientHeight > 50).length"
                + " + ' scrolled ' + [...d.querySelectorAll('.wide')]"
                + ".filter(box => box.scrollWidth > box.clientWidth).length;"
                + "}</script>");
    Path dom = temp.resolve("dom.html");
    Process process =
        new ProcessBuilder(
                String.valueOf(browser),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--virtual-time-budget=5000",
                "--user-data-dir=" + temp.resolve("profile"),
                "--dump-dom",
                frame.toUri().toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .redirectOutput(dom.toFile())
            .start();
    assertThat(process.waitFor()).isZero();
    Matcher title =
        Pattern.compile("<title>wide (\\d+) tables (\\d+) drawings (\\d+) scrolled (\\d+)</title>")
            .matcher(Files.readString(dom, StandardCharsets.UTF_8));
    assertThat(title.find()).as("the page was loaded").isTrue();
    assertThat(Integer.parseInt(title.group(1))).isLessThanOrEqualTo(width);
    assertThat(Integer.parseInt(title.group(2))).isGreaterThanOrEqualTo(8);
    assertThat(Integer.parseInt(title.group(3))).isEqualTo(3);
    if (width > 1000) {
      assertThat(Integer.parseInt(title.group(4))).as("tables wider than a desktop").isZero();
    }
  }

  private static @Nullable Path browser() {
    return Stream.of(String.valueOf(System.getenv("PATH")).split(File.pathSeparator))
        .flatMap(folder -> Stream.of("chromium", "chromium-browser").map(Path.of(folder)::resolve))
        .filter(Files::isExecutable)
        .findFirst()
        .orElse(null);
  }
}
