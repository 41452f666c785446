package org.edgefit.client.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.edgefit.client.Quantization;
import org.edgefit.file.Json;
import org.edgefit.format.DamagedFile;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Damaged models, tokenizers and adapters. */
class DamagedFilesTest {

  private static final Path TINY_HOME =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");
  private static final Path FIXTURES = Path.of("src/test/resources/hf-fixtures");
  private static final Path GGUF = Path.of("src/test/resources/gguf");

  @TempDir Path temp;

  @TestFactory
  Stream<DynamicTest> whatIsDamagedIsReadRightOrRefusedInOurWords() throws IOException {
    Path llama = FIXTURES.resolve("tiny-llama");
    Path adapter = FIXTURES.resolve("tiny-llama-lora");
    List<DamagedFile> kinds = new ArrayList<>();
    for (String file : List.of("config.json", "model.safetensors")) {
      kinds.add(new DamagedFile(llama, file, DamagedFilesTest::model));
    }
    kinds.add(
        new DamagedFile(sharded(llama), "model.safetensors.index.json", DamagedFilesTest::model));
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      kinds.add(new DamagedFile(TINY_HOME, file, DamagedFilesTest::tokenizer));
    }
    kinds.add(
        new DamagedFile(
            GGUF, "tiny-qwen2-f16.gguf", at -> model(at.resolve("tiny-qwen2-f16.gguf"))));
    kinds.add(
        new DamagedFile(
            GGUF.resolve("spm"),
            "spm.gguf",
            at -> ModelTokenizer.load(at.resolve("spm.gguf")).close()));
    for (String file : List.of(PeftAdapter.CONFIG, PeftAdapter.WEIGHTS)) {
      kinds.add(new DamagedFile(adapter, file, PeftAdapter::read));
    }
    return kinds.stream().flatMap(kind -> kind.tests(temp));
  }

  private static void model(Path at) throws IOException {
    BaseModel.load(at, Quantization.NF4).close();
  }

  private static void tokenizer(Path at) throws IOException {
    try (ModelTokenizer tokenizer = ModelTokenizer.load(at)) {
      tokenizer.encode("Turn on the light.");
      tokenizer.template("auto");
    }
  }

  /** Returns a copy of a model whose weights are listed by an index, in one file. */
  private Path sharded(Path model) throws IOException {
    Path folder = Files.createDirectories(temp.resolve("sharded"));
    Files.copy(model.resolve("config.json"), folder.resolve("config.json"));
    Files.copy(model.resolve("model.safetensors"), folder.resolve("part.safetensors"));
    Map<String, String> shards = new TreeMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("part.safetensors"))) {
      file.tensors().forEach(tensor -> shards.put(tensor.name(), "part.safetensors"));
    }
    Files.writeString(
        folder.resolve("model.safetensors.index.json"), Json.line(Map.of("weight_map", shards)));
    return folder;
  }
}
