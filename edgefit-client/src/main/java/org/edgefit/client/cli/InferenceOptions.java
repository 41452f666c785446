package org.edgefit.client.cli;

import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.internal.cli.TemplateOption;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options for inference. */
final class InferenceOptions {

  @Mixin private TemplateOption template = new TemplateOption();

  @Option(
      names = "--quantization",
      description =
          "base model quantisation: ${COMPLETION-CANDIDATES} (default: nf4, as in" + " training)")
  private Quantization quantization = Quantization.NF4;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  /** Returns the settings that name the template. */
  RunSettings settings() {
    return RunSettings.defaults().withTemplate(template.setting());
  }

  Quantization quantization() {
    return quantization;
  }

  boolean json() {
    return json;
  }
}
