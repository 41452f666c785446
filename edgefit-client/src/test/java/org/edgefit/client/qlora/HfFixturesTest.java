package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Quantization;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.ModelQuantizer;
import org.edgefit.file.Json;
import org.edgefit.format.peft.PeftAdapter;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small checkpoints that transformers, PEFT and bitsandbytes saved, and their logits. */
class HfFixturesTest {

  private static final Path FIXTURES = Path.of("src/test/resources/hf-fixtures");

  @TempDir Path temp;

  private static JsonNode golden() throws IOException {
    return Json.read(FIXTURES.resolve("golden.json"));
  }

  private static int[] ids() throws IOException {
    JsonNode ids = golden().get("input_ids");
    int[] values = new int[ids.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = ids.get(i).asInt();
    }
    return values;
  }

  /** Compares the first logits of every position, which is what the golden file keeps. */
  private static void assertLogits(
      Path model, @Nullable Adapter adapter, String expectedKey, float tolerance)
      throws IOException {
    try (BaseModel base = BaseModel.load(model, Quantization.NONE)) {
      float[] logits = Logits.compute(base, adapter, ids());
      int vocabulary = base.config().vocabularySize();
      JsonNode expected = golden().get(expectedKey);
      for (int position = 0; position < expected.size(); position++) {
        for (int id = 0; id < expected.get(position).size(); id++) {
          assertThat(logits[position * vocabulary + id])
              .as("%s position %d id %d", expectedKey, position, id)
              .isCloseTo((float) expected.get(position).get(id).asDouble(), within(tolerance));
        }
      }
    }
  }

  @Test
  void bfloatCheckpointAgrees() throws IOException {
    assertLogits(FIXTURES.resolve("tiny-llama"), null, "llama_base_fp32_logits", 1e-5f);
  }

  @Test
  void adapterOnEveryLinearLayerAgrees() throws IOException {
    assertLogits(
        FIXTURES.resolve("tiny-llama"),
        PeftAdapter.read(FIXTURES.resolve("tiny-llama-lora")),
        "llama_lora_fp32_logits",
        1e-5f);
  }

  @Test
  void checkpointOfBitsAndBytesAgrees() throws IOException {
    // The reference rounds decoded weights to bfloat16 before it widens them again.
    assertLogits(
        FIXTURES.resolve("tiny-llama-bnb4"), null, "llama_bnb4_dequant_fp32_logits", 5e-3f);
  }

  @Test
  void quantizedModelIsTheSameAsQuantizingAtLoad() throws IOException {
    Path source = FIXTURES.resolve("tiny-llama");
    Path quantized = temp.resolve("quantized");
    ModelQuantizer.quantize(source, quantized, (name, done) -> {});
    try (BaseModel atLoad = BaseModel.load(source, Quantization.NF4);
        BaseModel fromFile = BaseModel.load(quantized, Quantization.NONE)) {
      assertThat(Logits.compute(fromFile, null, ids()))
          .isEqualTo(Logits.compute(atLoad, null, ids()));
      assertThat(fromFile.bytes()).isEqualTo(atLoad.bytes());
    }
  }
}
