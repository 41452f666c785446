package org.edgefit.client;

import java.util.List;
import org.edgefit.data.LabelSet;

/**
 * Settings shared by all clients and rounds of a run: how records become text, and how the base
 * model is quantised. Hyperparameters are in {@link Training}.
 *
 * @param template a name of {@link org.edgefit.data.PromptTemplate#NAMES}; {@code auto} for the
 *     model's own chat template, {@code auto:NAME} for one of several that it has; or the text of a
 *     chat template
 * @param responseOnly whether only response tokens have labels, or every token
 * @param maxLength the most tokens of a record, >= 2
 * @param labels the classes that an evaluation chooses among; empty for those of the client's own
 *     records
 * @param afterLabel the delimiter scored with a label: {@link LabelSet#AUTO} to infer it from the
 *     records, {@link LabelSet#END} for the end token, or the delimiter
 * @param quantization how the base model is quantised
 */
public record RunSettings(
    String template,
    boolean responseOnly,
    int maxLength,
    List<String> labels,
    String afterLabel,
    Quantization quantization) {

  /** The template's name that means the model's own. */
  public static final String AUTO_TEMPLATE = "auto";

  /** Checks the ranges. */
  public RunSettings {
    if (maxLength < 2) {
      throw new IllegalArgumentException("maxLength: " + maxLength + " (expected: >= 2)");
    }
    labels = List.copyOf(labels);
  }

  /**
   * Returns the model's own template, labels on the response alone, 512 tokens, and NF4 with double
   * quantisation.
   */
  public static RunSettings defaults() {
    return new RunSettings(AUTO_TEMPLATE, true, 512, List.of(), LabelSet.AUTO, Quantization.NF4);
  }

  /** Returns whether a template is one of the model's own. */
  public static boolean isOwnTemplate(String template) {
    return template.equals(AUTO_TEMPLATE) || template.startsWith(AUTO_TEMPLATE + ":");
  }

  /** Returns these settings with another template. */
  public RunSettings withTemplate(String newTemplate) {
    return new RunSettings(newTemplate, responseOnly, maxLength, labels, afterLabel, quantization);
  }

  /** Returns these settings with labels on the response alone, or on every token. */
  public RunSettings withResponseOnly(boolean newResponseOnly) {
    return new RunSettings(template, newResponseOnly, maxLength, labels, afterLabel, quantization);
  }

  /** Returns these settings with another limit on a record's tokens. */
  public RunSettings withMaxLength(int newMaxLength) {
    return new RunSettings(template, responseOnly, newMaxLength, labels, afterLabel, quantization);
  }

  /** Returns these settings with the classes that an evaluation chooses among. */
  public RunSettings withLabels(List<String> newLabels) {
    return new RunSettings(template, responseOnly, maxLength, newLabels, afterLabel, quantization);
  }

  /** Returns these settings with another way to score a label. */
  public RunSettings withAfterLabel(String newAfterLabel) {
    return new RunSettings(template, responseOnly, maxLength, labels, newAfterLabel, quantization);
  }

  /** Returns these settings with another way to keep the base model. */
  public RunSettings withQuantization(Quantization newQuantization) {
    return new RunSettings(template, responseOnly, maxLength, labels, afterLabel, newQuantization);
  }
}
