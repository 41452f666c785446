package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Quantization;
import org.edgefit.client.qlora.Logits;
import org.edgefit.file.Json;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.peft.GgufAdapter;
import org.edgefit.format.peft.PeftAdapter;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files that llama.cpp's own converter wrote from small random models, and the logits that
 * transformers computes with the values in them.
 */
class GgufModelTest {

  private static final Path FOLDER = Path.of("src/test/resources/gguf");

  @TempDir Path temp;

  private static void assertLogits(Path model, @Nullable Adapter adapter, Path expectedFile)
      throws IOException {
    JsonNode golden = Json.read(expectedFile);
    int[] ids = new int[golden.get("ids").size()];
    Arrays.setAll(ids, i -> golden.get("ids").get(i).asInt());
    try (BaseModel base = BaseModel.load(model, Quantization.NONE)) {
      float[] logits = Logits.compute(base, adapter, ids);
      JsonNode expected = golden.get("logits");
      for (int row = 0; row < ids.length; row++) {
        for (int id = 0; id < expected.get(row).size(); id++) {
          assertThat(logits[row * base.config().vocabularySize() + id])
              .as("position %d id %d", row, id)
              .isCloseTo((float) expected.get(row).get(id).asDouble(), within(2e-5f));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tiny-llama-q8_0.gguf, tiny-llama-expected.json",
    "tiny-qwen2-f16.gguf, tiny-qwen2-expected.json",
    "tiny-phi3-f32.gguf, tiny-phi3-expected.json",
    "tiny-phi3-f32.gguf, tiny-phi3-short-expected.json",
  })
  void logitsAgree(String file, String expected) throws IOException {
    assertLogits(FOLDER.resolve(file), null, FOLDER.resolve(expected));
  }

  @Test
  void adapterAppliesToABaseInGguf() throws IOException {
    assertLogits(
        FOLDER.resolve("tiny-llama-q8_0.gguf"),
        PeftAdapter.read(FOLDER.resolve("lora/llama-adapter")),
        FOLDER.resolve("lora/llama-lora-expected.json"));
  }

  private static byte[] tensor(byte[] file, String name, int bytes) {
    int at = indexOf(file, name.getBytes(StandardCharsets.UTF_8));
    assertThat(at).as(name).isPositive();
    ByteBuffer header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int dimensions = header.getInt(at + name.length());
    int after = at + name.length() + 4 + 8 * dimensions;
    assertThat(header.getInt(after)).as("%s: ggml type F32", name).isZero();
    long offset = header.getLong(after + 4);
    int start = file.length - lengthOfData(file, header) + (int) offset;
    return Arrays.copyOfRange(file, start, start + bytes);
  }

  /** The data begin after the last tensor's record, padded to 32. */
  private static int lengthOfData(byte[] file, ByteBuffer header) {
    int last = 0;
    for (int i = 0; i + 7 < file.length; i++) {
      if (file[i] == '.' && new String(file, i, 6, StandardCharsets.ISO_8859_1).equals(".lora_")) {
        last = i + 7;
      }
    }
    int end = last + 4 + 8 * header.getInt(last) + 4 + 8;
    return file.length - (end + 31) / 32 * 32;
  }

  private static int indexOf(byte[] file, byte[] text) {
    for (int i = 0; i + text.length < file.length; i++) {
      if (Arrays.equals(file, i, i + text.length, text, 0, text.length)) {
        return i;
      }
    }
    return -1;
  }

  @ParameterizedTest
  @CsvSource({
    "llama, tiny-llama-q8_0.gguf",
    "phi3, tiny-phi3-f32.gguf",
  })
  void exportedAdapterHasTheBytesOfLlamaCppsConverter(String name, String base) throws IOException {
    Adapter adapter = PeftAdapter.read(FOLDER.resolve("lora/" + name + "-adapter"));
    ModelConfig config = ModelConfig.read(FOLDER.resolve(base));
    GgufAdapter.write(adapter, config, temp.resolve("ours.gguf"));
    byte[] ours = Files.readAllBytes(temp.resolve("ours.gguf"));
    byte[] theirs = Files.readAllBytes(FOLDER.resolve("lora/" + name + "-lora.gguf"));
    String[] modules =
        name.equals("llama")
            ? new String[] {
              "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"
            }
            : new String[] {"attn_qkv", "attn_output", "ffn_up", "ffn_down"};
    for (String module : modules) {
      for (String part : new String[] {".weight.lora_a", ".weight.lora_b"}) {
        String tensor = "blk.1." + module + part;
        int bytes = 4 * 64 * 4; // at least this much of each
        assertThat(tensor(ours, tensor, bytes)).as(tensor).isEqualTo(tensor(theirs, tensor, bytes));
      }
    }
    assertThat(indexOf(ours, "adapter.lora.alpha".getBytes(StandardCharsets.UTF_8))).isPositive();
  }

  private static void assertSameTokens(Path gguf, Path idsFile) throws IOException {
    try (ModelTokenizer tokenizer = ModelTokenizer.load(gguf)) {
      JsonNode cases = Json.read(idsFile).get("cases");
      assertThat(cases).isNotEmpty();
      for (JsonNode one : cases) {
        int[] expected = new int[one.get("ids").size()];
        Arrays.setAll(expected, i -> one.get("ids").get(i).asInt());
        String text = one.get("text").asText();
        assertThat(tokenizer.encode(text).ids()).as(text).isEqualTo(expected);
      }
    }
  }

  @Test
  void byteLevelTokenizerOfTheFileCutsAsTheOriginal() throws IOException {
    assertSameTokens(FOLDER.resolve("tiny-llama-q8_0.gguf"), FOLDER.resolve("bpe/ids.json"));
  }

  @Test
  void sentencePieceTokenizerOfTheFileCutsAsLlamaCpp() throws IOException {
    assertSameTokens(FOLDER.resolve("spm/spm.gguf"), FOLDER.resolve("spm/ids.json"));
  }

  @Test
  void contentHashDependsOnTheBytes() throws IOException {
    Path file = temp.resolve("model.gguf");
    Files.copy(FOLDER.resolve("tiny-qwen2-f16.gguf"), file);
    String hash = ModelFiles.contentHash(file);
    assertThat(hash).isEqualTo(ModelFiles.contentHash(FOLDER.resolve("tiny-qwen2-f16.gguf")));
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1000] ^= 1;
    Files.write(file, bytes);
    assertThat(ModelFiles.contentHash(file)).isNotEqualTo(hash);
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 20, 900, 20_000, 300_000})
  void fileThatIsCutShortIsRefused(int length) throws IOException {
    byte[] whole = Files.readAllBytes(FOLDER.resolve("tiny-qwen2-f16.gguf"));
    Path file = temp.resolve("cut.gguf");
    Files.write(file, Arrays.copyOf(whole, length));
    assertThatThrownBy(() -> BaseModel.load(file, Quantization.NF4))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cut.gguf");
  }

  @Test
  void otherFileIsRefused() throws IOException {
    Path file = temp.resolve("other.gguf");
    Files.writeString(file, "{\"this is\": \"not a GGUF file, for it begins otherwise\"}");
    assertThatThrownBy(() -> ModelConfig.read(file))
        .hasMessageContaining("(expected: a GGUF file)");
  }
}
