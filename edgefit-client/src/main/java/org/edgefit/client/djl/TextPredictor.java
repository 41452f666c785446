package org.edgefit.client.djl;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.translate.TranslateException;
import ai.djl.translate.Translator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.client.RunSettings;
import org.edgefit.client.qlora.GenerationOptions;
import org.edgefit.client.qlora.TextGenerator;

/** Answers instructions. */
final class TextPredictor<I, O> extends Predictor<I, O> {

  private final TextGenerator generator;
  private final GenerationOptions options;
  private final RunSettings settings;

  TextPredictor(
      Model model,
      Translator<I, O> translator,
      Device device,
      TextGenerator generator,
      GenerationOptions options,
      RunSettings settings) {
    super(model, translator, device, false);
    if (!(translator instanceof TextTranslatorFactory.TextTranslator)) {
      generator.close();
      throw new IllegalArgumentException(
          "translator: " + translator + " (expected: LanguageModel.criteria's)");
    }
    this.generator = generator;
    this.options = options;
    this.settings = settings;
  }

  @Override
  @SuppressWarnings("unchecked") // the constructor's check makes I and O strings
  public List<O> batchPredict(List<I> inputs) throws TranslateException {
    try {
      List<String> instructions = new ArrayList<>();
      inputs.forEach(input -> instructions.add((String) input));
      return (List<O>) generator.answers(instructions, options, settings, (done, of) -> {});
    } catch (IOException | IllegalArgumentException e) {
      throw new TranslateException(e);
    }
  }

  @Override
  public void close() {
    generator.close();
    super.close();
  }
}
