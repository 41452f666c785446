package org.edgefit.client.cli;

import java.util.Locale;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import picocli.CommandLine.Option;

/** How a trained model is used. */
final class InferenceOptions {

  @Option(
      names = "--template",
      paramLabel = "NAME",
      description =
          "prompt template: llama2, phi3, chatml, alpaca, or auto for the model's own"
              + " (default: ${DEFAULT-VALUE})")
  private String template = RunSettings.AUTO_TEMPLATE;

  @Option(
      names = "--quantization",
      description =
          "how a full-precision base is kept: ${COMPLETION-CANDIDATES} (default: nf4, as in"
              + " training)")
  private Quantization quantization = Quantization.NF4;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  /** Returns the settings that name the template. */
  RunSettings settings() {
    return RunSettings.defaults().withTemplate(template.toLowerCase(Locale.ROOT));
  }

  Quantization quantization() {
    return quantization;
  }

  boolean json() {
    return json;
  }
}
