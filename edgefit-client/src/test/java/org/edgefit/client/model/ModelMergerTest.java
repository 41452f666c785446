package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Quantization;
import org.edgefit.client.qlora.Logits;
import org.edgefit.format.peft.PeftAdapter;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A merged model alone computes what base and adapter compute together. */
class ModelMergerTest {

  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final int[] IDS = {5, 9, 40, 3, 20, 41, 7};

  @TempDir Path temp;

  private static float[] logits(Path model, @Nullable Adapter adapter) throws IOException {
    try (BaseModel base = BaseModel.load(model, Quantization.NONE)) {
      return Logits.compute(base, adapter, IDS);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "phi3", "qwen2", "llama-all-tokens-rslora"})
  void mergedModelHasTheLogitsOfBaseAndAdapter(String name) throws IOException {
    Path model = GOLDEN.resolve(name);
    Adapter adapter = PeftAdapter.read(model.resolve("adapter0"));
    ModelMerger.merge(model, adapter, temp.resolve("merged"), (tensor, done) -> {});
    assertThat(logits(temp.resolve("merged"), null))
        .containsExactly(logits(model, adapter), within(2e-5f));
    assertThatThrownBy(
            () -> ModelMerger.merge(model, adapter, temp.resolve("merged"), (tensor, done) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("merged: holds config.json and");
  }

  @Test
  void quantizedBaseIsDecoded() throws IOException {
    Path fixtures = Path.of("src/test/resources/hf-fixtures");
    Adapter adapter = PeftAdapter.read(fixtures.resolve("tiny-llama-lora"));
    Path base = fixtures.resolve("tiny-llama-bnb4");
    ModelMerger.merge(base, adapter, temp.resolve("merged"), (tensor, done) -> {});
    // The checkpoint was bfloat16, which the merged weights are rounded to.
    assertThat(logits(temp.resolve("merged"), null))
        .containsExactly(logits(base, adapter), within(2e-2f));
  }

  @Test
  void adapterOfAnotherModelIsRefused() throws IOException {
    Adapter adapter = PeftAdapter.read(GOLDEN.resolve("phi3/adapter0"));
    assertThatThrownBy(
            () -> ModelMerger.merge(GOLDEN.resolve("llama"), adapter, temp, (tensor, done) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("adapter: ");
  }
}
