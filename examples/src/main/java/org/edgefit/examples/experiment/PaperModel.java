package org.edgefit.examples.experiment;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A base model of the paper, and what the paper says of it.
 *
 * @param shape the name of its shape
 * @param name its name in the paper
 * @param memory its client's memory
 * @param metrics by procedure accuracy, precision, recall and F1, empty where the paper has none
 */
record PaperModel(String shape, String name, String memory, Map<Procedure, List<String>> metrics) {

  private static final PaperModel LLAMA =
      new PaperModel(
          "llama-2-7b",
          "Llama-2-7B",
          "24 GB",
          new EnumMap<>(
              Map.of(
                  Procedure.ZERO_SHOT, List.of("0.31", "0.28", "0.35", "0.31"),
                  Procedure.LOCAL_ONLY, List.of("0.78", "0.65", "0.88", "0.75"),
                  Procedure.CENTRALISED, List.of("0.93", "0.94", "0.92", "0.93"),
                  Procedure.FEDERATED, List.of("0.89", "0.87", "0.91", "0.89"))));

  private static final PaperModel PHI =
      new PaperModel(
          "phi-3-mini",
          "Phi-3-mini",
          "8 GB",
          new EnumMap<>(
              Map.of(
                  Procedure.ZERO_SHOT, List.of("", "", "", "0.22"),
                  Procedure.CENTRALISED, List.of("", "", "", "0.81"),
                  Procedure.FEDERATED, List.of("", "", "", "0.80"))));

  static final List<PaperModel> ALL = List.of(LLAMA, PHI);

  /** Returns the model whose numbers stand beside those of a base model: of its name, or Llama. */
  static PaperModel beside(String model) {
    return isNamed(PHI.shape(), model) ? PHI : LLAMA;
  }

  /** Returns whether a base model's name has that of a shape in it. */
  static boolean isNamed(String shape, String model) {
    return BaseModels.folder(model).toLowerCase(Locale.ROOT).contains(shape);
  }
}
