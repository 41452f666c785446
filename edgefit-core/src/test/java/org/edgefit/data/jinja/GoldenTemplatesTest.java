package org.edgefit.data.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Chat templates as Jinja2 itself rendered them, in the folder of the property edgefit.golden. */
class GoldenTemplatesTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void everyTemplateIsRenderedAsByJinja2OrRefused() throws Exception {
    String folder = System.getProperty("edgefit.golden");
    assumeTrue(folder != null, "-Dedgefit.golden=FOLDER");
    Path file = Path.of(String.valueOf(folder), "chat-templates.json");
    assumeTrue(Files.exists(file), file.toString());
    JsonNode golden = JSON.readTree(file.toFile());
    List<String> refused = new ArrayList<>();
    for (JsonNode expected : golden.get("expect")) {
      String name = expected.get("name").asText();
      String messages = expected.get("case").asText();
      boolean prompts = expected.get("gen").asBoolean();
      Map<String, Object> names = new HashMap<>();
      names.put("messages", JSON.convertValue(golden.get("messages").get(messages), List.class));
      names.put("add_generation_prompt", prompts);
      names.put("bos_token", "<s>");
      names.put("eos_token", "</s>");
      names.put("tools", null);
      try {
        assertThat(
                JinjaTemplate.parse(golden.get("templates").get(name).asText())
                    .render(names)
                    .text())
            .as("%s, %s, %s", name, messages, prompts)
            .isEqualTo(expected.get("expect").asText());
      } catch (TemplateException e) {
        refused.add(name + ": " + e.getMessage());
      }
    }
    assertThat(refused).as("constructs that are refused").isEmpty();
  }
}
