package org.edgefit.client.djl;

import ai.djl.BaseModel;
import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDManager;
import ai.djl.repository.zoo.Criteria;
import ai.djl.translate.Translator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.qlora.GenerationOptions;
import org.edgefit.client.qlora.TextGenerator;
import org.edgefit.format.peft.PeftAdapter;
import org.jspecify.annotations.Nullable;

/**
 * A base model, with or without an adapter, as a DJL model for text generation:
 *
 * <pre>{@code
 * Criteria<String, String> criteria =
 *     LanguageModel.criteria(Path.of("models/smollm2"))
 *         .optOption("adapter", "adapters/home")
 *         .optOption("max_tokens", "64")
 *         .build();
 * try (ZooModel<String, String> model = criteria.loadModel();
 *     Predictor<String, String> predictor = model.newPredictor()) {
 *   System.out.println(predictor.predict("Turn on the lamp."));
 * }
 * }</pre>
 *
 * <p>Options: {@code adapter} (a PEFT directory), {@code quantization} (nf4), {@code template}
 * (auto), {@code max_tokens} (128), {@code temperature} (0), {@code top_k} (0), {@code top_p} (1),
 * {@code repetition_penalty} (1), {@code seed} (0).
 */
public final class LanguageModel extends BaseModel {

  private static final Set<String> OPTIONS =
      Set.of(
          "adapter",
          "quantization",
          "template",
          "max_tokens",
          "temperature",
          "top_k",
          "top_p",
          "repetition_penalty",
          "seed");

  private org.edgefit.client.model.@Nullable BaseModel base;
  private @Nullable Adapter adapter;
  private GenerationOptions generation = GenerationOptions.greedy(128);
  private RunSettings settings = RunSettings.defaults();

  LanguageModel(String name, NDManager manager) {
    super(name);
    this.manager = manager;
  }

  /** Returns criteria for a model directory or GGUF file, to which options may be added. */
  public static Criteria.Builder<String, String> criteria(Path model) {
    return Criteria.builder()
        .setTypes(String.class, String.class)
        .optEngine(LanguageModelEngine.NAME)
        .optModelPath(model)
        .optTranslatorFactory(new TextTranslatorFactory());
  }

  @Override
  public void load(Path modelPath, @Nullable String prefix, @Nullable Map<String, ?> options)
      throws IOException, MalformedModelException {
    Map<String, ?> given = options == null ? Map.of() : options;
    try {
      for (String option : given.keySet()) {
        if (!OPTIONS.contains(option)) {
          throw new IllegalArgumentException(
              "option: "
                  + option
                  + " (expected: one of "
                  + OPTIONS.stream().sorted().toList()
                  + ")");
        }
      }
      String adapterPath = text(given, "adapter", "");
      adapter = adapterPath.isEmpty() ? null : PeftAdapter.read(Path.of(adapterPath));
      generation =
          GenerationOptions.greedy((int) number(given, "max_tokens", 128))
              .sampled(
                  number(given, "temperature", 0),
                  (int) number(given, "top_k", 0),
                  number(given, "top_p", 1))
              .withRepetitionPenalty(number(given, "repetition_penalty", 1))
              .withSeed((long) number(given, "seed", 0));
      Quantization quantization =
          Quantization.valueOf(text(given, "quantization", "nf4").toUpperCase(Locale.ROOT));
      base = org.edgefit.client.model.BaseModel.load(modelPath, quantization, manager.getDevice());
      int positions = base.config().maxPositions();
      int reserved = Math.min(generation.maxTokens(), positions / 2);
      settings =
          RunSettings.defaults()
              .withTemplate(text(given, "template", RunSettings.AUTO_TEMPLATE))
              .withMaxLength(Math.max(2, positions - reserved));
    } catch (IllegalArgumentException e) {
      throw new MalformedModelException(e.getMessage(), e);
    }
    setModelDir(Files.isDirectory(modelPath) ? modelPath : modelPath.resolveSibling(""));
    wasLoaded = true;
  }

  private static String text(Map<String, ?> options, String key, String otherwise) {
    Object value = options.get(key);
    return value == null ? otherwise : value.toString();
  }

  private static double number(Map<String, ?> options, String key, double otherwise) {
    String value = text(options, key, "");
    try {
      return value.isEmpty() ? otherwise : Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: a number)", e);
    }
  }

  /** Returns a text-generation predictor; use each from one thread at a time. */
  @Override
  public <I, O> Predictor<I, O> newPredictor(Translator<I, O> translator, Device device) {
    org.edgefit.client.model.BaseModel loaded = base;
    if (loaded == null) {
      throw new IllegalStateException("model is not loaded");
    }
    return new TextPredictor<>(
        this, translator, device, new TextGenerator(loaded, adapter), generation, settings);
  }

  @Override
  public void close() {
    if (base != null) {
      base.close();
      base = null;
    }
    super.close();
  }
}
