package org.edgefit.client.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.data.InstructionDataset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The options that the client's commands share, and how they show what they do. */
@ResourceLock(Resources.SYSTEM_OUT)
@ResourceLock(Resources.SYSTEM_ERR)
class ClientOptionsTest {

  @TempDir Path temp;
  private final PrintStream out = System.out;
  private final PrintStream err = System.err;
  private final Locale locale = Locale.getDefault();
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private final ByteArrayOutputStream told = new ByteArrayOutputStream();

  @BeforeEach
  void capture() {
    System.setOut(new PrintStream(printed, true, UTF_8));
    System.setErr(new PrintStream(told, true, UTF_8));
  }

  @AfterEach
  void setBack() {
    System.setOut(out);
    System.setErr(err);
    Locale.setDefault(locale);
  }

  private List<String> toldLines() {
    return told.toString(UTF_8).lines().toList();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "1,          1",
    "4096,       4096",
    "1k,         1024",
    "2K,         2048",
    "1.5K,       1536",
    "900M,       943718400",
    "900MB,      943718400",
    "900MiB,     943718400",
    "900mib,     943718400",
    "6.5G,       6979321856",
    "12B,        12",
    "8G,         8589934592",
    "7.999999999G, 8589934590"
  })
  void sizesAreBytesOrPowersOf1024(String text, long bytes) {
    Locale.setDefault(Locale.forLanguageTag("tr-TR")); // whose capital of i is not I
    assertThat(MachineOptions.bytes("--memory", text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "G",
        "x",
        "0",
        "0.5",
        "-1G",
        "1.2.3G",
        "1e3",
        "6,5G",
        "5T",
        "9999999999G",
        "0x10",
        "NaN",
        "1 G",
        "."
      })
  void sizeThatIsNoneIsRefusedByItsOptionAndValue(String text) {
    assertThatThrownBy(() -> MachineOptions.bytes("--memory", text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("--memory: " + text + " (expected: bytes, for example 6.5G or 900M)");
  }

  private static ComputeOption compute(String... args) {
    ComputeOption option = new ComputeOption();
    new CommandLine(option).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(args);
    return option;
  }

  @Test
  void productsAreInFloat32WithoutALimitUnlessSaidOtherwise() {
    assertThat(compute().fixedType()).isEqualTo(ComputeType.FLOAT32);
    assertThat(compute().memoryBytes()).isZero();
    assertThat(compute("--compute", "bfloat16").fixedType()).isEqualTo(ComputeType.BFLOAT16);
    assertThat(compute("--compute", "auto").fixedType()).isNull();
    assertThat(compute("--memory", "2G").memoryBytes()).isEqualTo(2L << 30);
  }

  private static DeviceOption device(String... args) {
    return CommandLine.populateCommand(new DeviceOption(), args);
  }

  @Test
  void deviceIsTheProcessorOrAGpuByItsNumber() {
    assertThat(device().device()).isEqualTo(Device.cpu());
    assertThat(device("--device", "cpu").device()).isEqualTo(Device.cpu());
    assertThat(device("--device", "cuda").device()).isEqualTo(Device.gpu(0));
    assertThat(device("--device", "cuda:12").device()).isEqualTo(Device.gpu(12));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:1000", "cpu:0"})
  void deviceOfAnotherNameIsRefused(String name) {
    assertThatThrownBy(() -> device("--device", name).device())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("--device: " + name + " (expected: cpu, cuda or cuda:N)");
  }

  @ParameterizedTest
  @CsvSource({
    "hf:HuggingFaceTB/SmolLM2-135M,          HuggingFaceTB/SmolLM2-135M",
    "hf:HuggingFaceTB/SmolLM2-135M@main,     HuggingFaceTB/SmolLM2-135M",
    "models/tiny,                            models/tiny",
    "models/tiny@2,                          models/tiny@2"
  })
  void adapterNamesItsModelByTheHubOrByThePath(String location, String name) {
    assertThat(ModelLocation.name(location)).isEqualTo(name);
  }

  @Test
  void pathIsTakenAsItIs() throws Exception {
    assertThat(ModelLocation.resolve("models/tiny@2")).isEqualTo(Path.of("models/tiny@2"));
    assertThat(told.size()).isZero();
  }

  @Test
  void recordsAreReadByTheColumnsThatAreNamedAndThatIsSaid() throws Exception {
    Path file = temp.resolve("home.jsonl");
    Files.writeString(
        file,
        """
        {"question": "Is the lamp on?", "answer": "Yes."}
        {"question": "And the oven?", "answer": "No."}
        """);
    DataOptions options =
        CommandLine.populateCommand(
            new DataOptions(), "--columns", "instruction=question,response=answer");
    InstructionDataset records = options.read(file);
    assertThat(records.size()).isEqualTo(2);
    assertThat(records.records().get(1).response()).isEqualTo("No.");
    assertThat(toldLines()).singleElement().asString().startsWith(file + ": 2 records");
    assertThat(printed.size()).isZero(); // standard output is the command's own
  }

  @Test
  void longWorkIsShownALineForSoMuchOfItAndAtItsEnd() {
    try (Progress progress = new Progress("quantising", 50)) {
      for (int done = 1; done <= 120; done++) {
        progress.show(done, 120, done == 100 ? "layer 7" : "");
      }
    }
    assertThat(toldLines())
        .containsExactly(
            "quantising: 50 of 120", "quantising: 100 of 120, layer 7", "quantising: 120 of 120");
    assertThat(printed.size()).isZero();
  }

  @Test
  void workThatBeginsAnewIsShownFromItsBegin() {
    try (Progress progress = new Progress("downloading", 100)) {
      progress.show(99, 500, "a");
      progress.show(250, 500, "a");
      progress.show(30, 400, "b"); // the next file
      progress.show(60, 400, "b");
      progress.show(100, 400, "b");
    }
    assertThat(toldLines())
        .containsExactly(
            "downloading: 250 of 500, a",
            "downloading: 30 of 400, b",
            "downloading: 100 of 400, b");
  }

  @Test
  void numbersOfProgressAreAsciiInAnyLanguage() {
    Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
    try (StepDisplay display = new StepDisplay("training", false)) {
      display.stepDone(1, 2, 0.123456);
      display.stepDone(2, 2, 10);
    }
    assertThat(toldLines())
        .containsExactly("training: 1 of 2, loss 0.1235", "training: 2 of 2, loss 10.0000");
  }

  @Test
  void stepsAreJsonObjectsOnStandardOutputIfThatIsWanted() {
    try (StepDisplay display = new StepDisplay("home", true)) {
      display.stepDone(1, 20, 2.5);
      display.stepDone(2, 20, 0.5);
    }
    assertThat(printed.toString(UTF_8).lines())
        .containsExactly(
            "{\"step\":1,\"steps\":20,\"loss\":2.5}", "{\"step\":2,\"steps\":20,\"loss\":0.5}");
    assertThat(told.size()).isZero();
  }
}
