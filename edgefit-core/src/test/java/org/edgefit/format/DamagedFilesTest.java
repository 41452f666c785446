package org.edgefit.format;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.Lexicon;
import org.edgefit.data.PromptTemplate;
import org.edgefit.data.RecordFile;
import org.edgefit.data.SpecialTokens;
import org.edgefit.file.TextFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Damaged records, templates and lists of words; the client's test has models and adapters. */
class DamagedFilesTest {

  @TempDir Path temp;
  private Path sound;
  private InstructionDataset data;

  @BeforeEach
  void write() throws IOException {
    sound = Files.createDirectories(temp.resolve("sound"));
    data =
        new InstructionDataset(
            Stream.of("Is it on?", "Mach das Licht aus, größer!", "🔥")
                .map(text -> new InstructionRecord(text, null, "Yes.", null, "Yes"))
                .toList());
    data.write(sound.resolve("d.jsonl"));
    String lines = Files.readString(sound.resolve("d.jsonl")).strip();
    Files.writeString(sound.resolve("d.json"), "[" + lines.replace("\n", ",\n") + "]");
    try (OutputStream packed =
        new GZIPOutputStream(Files.newOutputStream(sound.resolve("d.jsonl.gz")))) {
      packed.write(lines.getBytes(StandardCharsets.UTF_8));
    }
    Files.writeString(
        sound.resolve("t.jinja"),
        "{% for m in messages %}{{ '<' + m['role'] + '>' + m.content | trim }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}");
    Files.writeString(sound.resolve("words.txt"), "thermostat\n# größer\nsmart lock\n");
  }

  @TestFactory
  Stream<DynamicTest> whatIsDamagedIsReadRightOrRefusedInOurWords() {
    return Stream.concat(
            Stream.of("d.jsonl", "d.json", "d.jsonl.gz")
                .map(
                    name ->
                        new DamagedFile(
                            sound, name, at -> RecordFile.read(at.resolve(name), Map.of()))),
            Stream.of(
                new DamagedFile(sound, "t.jinja", this::render),
                new DamagedFile(sound, "words.txt", at -> Lexicon.read(at.resolve("words.txt")))))
        .flatMap(kind -> kind.tests(temp));
  }

  private void render(Path at) throws IOException {
    PromptTemplate.ofChatTemplate(TextFile.read(at.resolve("t.jinja")), Map.of())
        .apply(data.records().get(0), new SpecialTokens("", ""));
  }
}
