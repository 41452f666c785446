package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.edgefit.client.Quantization;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.PromptTemplate;
import org.edgefit.data.RecordFile;
import org.edgefit.data.SpecialTokens;
import org.edgefit.format.PeftAdapter;
import org.edgefit.format.TextFile;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every kind of file that people bring, cut short, altered, empty, a directory or of another kind:
 * it is read right, or refused in a message of ours.
 */
class DamagedFilesTest {

  private static final Path TINY_HOME =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");
  private static final Path FIXTURES = Path.of("src/test/resources/hf-fixtures");

  /** What a message of a library's developers has in it. */
  private static final Pattern FOREIGN =
      Pattern.compile(
          "jackson|StreamRead|ai\\.djl|java\\.|javax\\.|Exception|TorchScript|\\.rs:|at line \\d+ column");

  @TempDir Path temp;

  /** Reads files of a folder, of which one is damaged. */
  private interface Reader {
    void read(Path folder) throws IOException;
  }

  /** A kind of file: the folder that it is sound in, its name there, and what reads it. */
  private record Kind(Path folder, String file, Reader reader) {}

  private Map<String, Kind> kinds() throws IOException {
    Path records = Files.createDirectories(temp.resolve("records"));
    InstructionDataset data =
        new InstructionDataset(
            Stream.of("Is it on?", "Mach das Licht aus, größer!", "🔥")
                .map(text -> new InstructionRecord(text, null, "Yes.", null, "Yes"))
                .toList());
    data.write(records.resolve("d.jsonl"));
    String lines = Files.readString(records.resolve("d.jsonl")).strip();
    Files.writeString(records.resolve("d.json"), "[" + lines.replace("\n", ",\n") + "]");
    Files.writeString(
        records.resolve("t.jinja"),
        "{% for m in messages %}{{ '<' + m['role'] + '>' + m.content | trim }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}");
    Map<String, Kind> kinds = new TreeMap<>();
    kinds.put(
        "records",
        new Kind(records, "d.jsonl", at -> RecordFile.read(at.resolve("d.jsonl"), Map.of())));
    kinds.put(
        "list of records",
        new Kind(records, "d.json", at -> RecordFile.read(at.resolve("d.json"), Map.of())));
    kinds.put(
        "template",
        new Kind(
            records,
            "t.jinja",
            at ->
                PromptTemplate.ofChatTemplate(TextFile.read(at.resolve("t.jinja")), Map.of())
                    .apply(data.records().get(0), new SpecialTokens("", ""))));
    Path llama = FIXTURES.resolve("tiny-llama");
    for (String file : List.of("config.json", "model.safetensors")) {
      kinds.put(file, new Kind(llama, file, at -> BaseModel.load(at, Quantization.NF4).close()));
    }
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      kinds.put(
          file,
          new Kind(
              TINY_HOME,
              file,
              at -> {
                try (ModelTokenizer tokenizer = ModelTokenizer.load(at)) {
                  tokenizer.encode("Turn on the light.");
                }
              }));
    }
    Path gguf = Path.of("src/test/resources/gguf");
    kinds.put(
        "GGUF model",
        new Kind(
            gguf,
            "tiny-qwen2-f16.gguf",
            at -> BaseModel.load(at.resolve("tiny-qwen2-f16.gguf"), Quantization.NF4).close()));
    kinds.put(
        "GGUF tokenizer",
        new Kind(
            gguf.resolve("spm"),
            "spm.gguf",
            at -> ModelTokenizer.load(at.resolve("spm.gguf")).close()));
    Path adapter = FIXTURES.resolve("tiny-llama-lora");
    for (String file : List.of(PeftAdapter.CONFIG, PeftAdapter.WEIGHTS)) {
      kinds.put(file, new Kind(adapter, file, PeftAdapter::read));
    }
    return kinds;
  }

  @TestFactory
  List<DynamicTest> whatIsDamagedIsReadRightOrRefusedInOurWords() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    kinds().forEach((name, kind) -> tests.add(DynamicTest.dynamicTest(name, () -> damage(kind))));
    return tests;
  }

  private void damage(Kind kind) throws IOException {
    byte[] sound = Files.readAllBytes(kind.folder().resolve(kind.file()));
    Path work = Files.createTempDirectory(temp, "work");
    try (Stream<Path> files = Files.list(kind.folder())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, work.resolve(file.getFileName()));
      }
    }
    List<String> faults = new ArrayList<>();
    Path target = work.resolve(kind.file());
    for (int part = 0; part < 16; part++) {
      int length = (int) ((long) sound.length * part / 16);
      attempt(kind, work, target, Arrays.copyOf(sound, length), "cut to " + length, faults);
    }
    Random random = new Random(7);
    for (int i = 0; i < 64; i++) {
      byte[] flipped = sound.clone();
      int at = i < 32 ? random.nextInt(Math.min(sound.length, 400)) : random.nextInt(sound.length);
      flipped[at] ^= (byte) (1 << random.nextInt(8));
      attempt(kind, work, target, flipped, "bit flipped at " + at, faults);
    }
    for (String other :
        List.of(
            "<!DOCTYPE html>", "version https://git-lfs.github.com/spec/v1\n", "\u0000\u0001")) {
      attempt(kind, work, target, other.getBytes(StandardCharsets.UTF_8), other.strip(), faults);
    }
    Files.delete(target);
    Files.createDirectory(target);
    attempt(kind, work, target, null, "a directory", faults);
    assertThat(faults).isEmpty();
  }

  private static void attempt(
      Kind kind, Path work, Path target, byte[] bytes, String how, List<String> faults)
      throws IOException {
    if (bytes != null) {
      Files.write(target, bytes);
    }
    try {
      kind.reader().read(work);
    } catch (IOException | IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      if (FOREIGN.matcher(message).find() || message.equals(target.toString())) {
        faults.add(how + ": " + message);
      }
    } catch (RuntimeException | Error e) {
      faults.add(how + ": " + e + " at " + e.getStackTrace()[0]);
    }
  }
}
