package org.edgefit.client.djl;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.translate.NoBatchifyTranslator;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import ai.djl.translate.TranslatorFactory;
import ai.djl.util.Pair;
import java.lang.reflect.Type;
import java.util.Map;
import java.util.Set;

/** Says that models of this engine go from text to text. Their predictors do all of the work. */
final class TextTranslatorFactory implements TranslatorFactory {

  @Override
  public Set<Pair<Type, Type>> getSupportedTypes() {
    return Set.of(new Pair<>(String.class, String.class));
  }

  @Override
  @SuppressWarnings("unchecked") // the types were checked against the supported ones
  public <I, O> Translator<I, O> newInstance(
      Class<I> input, Class<O> output, Model model, Map<String, ?> arguments) {
    return (Translator<I, O>) new TextTranslator();
  }

  /** The types alone. */
  static final class TextTranslator implements NoBatchifyTranslator<String, String> {

    @Override
    public NDList processInput(TranslatorContext context, String input) {
      throw new UnsupportedOperationException("the predictor answers without arrays");
    }

    @Override
    public String processOutput(TranslatorContext context, NDList list) {
      throw new UnsupportedOperationException("the predictor answers without arrays");
    }
  }
}
