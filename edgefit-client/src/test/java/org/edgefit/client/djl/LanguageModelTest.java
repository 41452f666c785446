package org.edgefit.client.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.Engine;
import ai.djl.inference.Predictor;
import ai.djl.repository.zoo.ZooModel;
import java.nio.file.Path;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.qlora.GenerationOptions;
import org.edgefit.client.qlora.TextGenerator;
import org.edgefit.format.peft.PeftAdapter;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LanguageModelTest {

  private static final Path MODEL =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");

  @TempDir Path temp;

  @Test
  void zooModelAnswersAsTheGeneratorDoes() throws Exception {
    String expected;
    try (BaseModel base = BaseModel.load(MODEL, Quantization.NF4);
        TextGenerator generator = new TextGenerator(base, null)) {
      RunSettings settings = RunSettings.defaults().withMaxLength(64);
      expected = generator.answer("Turn on the lamp.", GenerationOptions.greedy(8), settings);
      Adapter adapter = Adapter.initial(LoraConfig.attention(2), base.linearLayers(), new Seed(1));
      PeftAdapter.write(adapter, temp, "tiny-home"); // B is zero: it changes nothing
    }
    try (ZooModel<String, String> model =
            LanguageModel.criteria(MODEL)
                .optOption("max_tokens", "8")
                .optOption("adapter", temp.toString())
                .build()
                .loadModel();
        Predictor<String, String> predictor = model.newPredictor()) {
      assertThat(predictor.predict("Turn on the lamp.")).isEqualTo(expected).isNotEmpty();
      assertThat(predictor.batchPredict(List.of("Turn on the lamp.", "Is the door open?")))
          .hasSize(2)
          .first()
          .isEqualTo(expected);
    }
  }

  @Test
  void misspeltOptionIsRefused() {
    assertThatThrownBy(
            () -> LanguageModel.criteria(MODEL).optOption("max_token", "8").build().loadModel())
        .hasRootCauseInstanceOf(IllegalArgumentException.class)
        .rootCause()
        .hasMessageContaining("option: max_token (expected: one of [adapter");
  }

  @Test
  void pyTorchStaysTheDefaultEngine() {
    assertThat(Engine.getInstance().getEngineName()).isEqualTo("PyTorch");
    assertThat(Engine.getAllEngines()).contains("EdgeFIT");
  }
}
