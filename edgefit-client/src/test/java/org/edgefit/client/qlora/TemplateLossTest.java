package org.edgefit.client.qlora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.file.Json;
import org.junit.jupiter.api.Test;

/** Losses of answers in the text of a chat template, against those of transformers. */
class TemplateLossTest {

  private static final Path TINY_HOME =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");

  @Test
  void lossesAreThoseOfTransformers() throws IOException {
    ObjectNode golden = Json.read(Path.of("src/test/resources/hf-fixtures/template-losses.json"));
    List<InstructionRecord> records = new ArrayList<>();
    for (JsonNode record : golden.get("records")) {
      JsonNode context = record.get("context");
      records.add(
          new InstructionRecord(
              record.get("instruction").asText(),
              context.isNull() ? null : context.asText(),
              record.get("response").asText(),
              null,
              null));
    }
    InstructionDataset data = new InstructionDataset(records);
    assertThat(golden.get("losses")).hasSize(4);
    try (BaseModel base = BaseModel.load(TINY_HOME, Quantization.NF4);
        Evaluator evaluator = new Evaluator(base, null)) {
      for (JsonNode expected : golden.get("losses")) {
        RunSettings settings =
            RunSettings.defaults().withTemplate(expected.get("template").asText());
        ExampleEncoder.Encoded encoded = base.encoder(settings).encode(data);
        assertThat(encoded.labelTokens()).isEqualTo(expected.get("tokens").asLong());
        double loss = evaluator.evaluate(data, List.of(), settings, (done, of) -> {}).loss();
        assertThat(loss).isCloseTo(expected.get("loss").asDouble(), within(1e-5));
      }
    }
  }
}
