package org.edgefit.format.peft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.LoraPair;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;
import org.edgefit.format.safetensors.SafetensorsFile;

/**
 * An adapter directory as PEFT reads and writes it: {@code adapter_config.json} and {@code
 * adapter_model.safetensors}.
 *
 * <p>A config for anything but plain LoRA is an error naming its key: an unknown key must be off
 * (null, false, empty).
 */
public final class PeftAdapter {

  /** The name of the weights' file. */
  public static final String WEIGHTS = "adapter_model.safetensors";

  /** The name of the config's file. */
  public static final String CONFIG = "adapter_config.json";

  /** Keys that are read here, and keys whose value changes nothing in a trained LoRA adapter. */
  private static final Set<String> HARMLESS =
      Set.of(
          "r",
          "lora_alpha",
          "lora_dropout",
          "target_modules",
          "exclude_modules",
          "layers_to_transform",
          "layers_pattern",
          "auto_mapping",
          "base_model_name_or_path",
          "inference_mode",
          "megatron_core",
          "peft_type",
          "peft_version",
          "qalora_group_size",
          "revision",
          "runtime_config",
          "task_type",
          "use_rslora");

  private PeftAdapter() {}

  /**
   * Reads an adapter directory.
   *
   * @throws IOException if a file is missing or broken, or asks for something that is not plain
   *     LoRA
   */
  public static Adapter read(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      throw new NoSuchFileException(directory + ": not found (expected: an adapter directory)");
    }
    Path configFile = directory.resolve(CONFIG);
    ObjectNode json = Json.read(configFile);
    try (SafetensorsFile file = SafetensorsFile.open(directory.resolve(WEIGHTS))) {
      AdapterLayout layout = AdapterFile.layoutOf(file);
      LoraConfig config = config(configFile, json, targets(configFile, json, file.path(), layout));
      requireLora(file.path(), config, layout);
      Adapter adapter = AdapterFile.readAdapter(file.path(), config, layout);
      try {
        adapter.requireFinite();
      } catch (IllegalArgumentException e) {
        throw new IOException(file.path() + ": " + e.getMessage(), e);
      }
      return adapter;
    }
  }

  /**
   * Reads an adapter directory, for a model with these layers.
   *
   * @throws IOException as the other method of this name does, or if it is another model's; the
   *     message names the first tensor that differs
   */
  public static Adapter read(Path directory, List<LinearSpec> layers) throws IOException {
    Adapter adapter = read(directory);
    try {
      AdapterLayout.of(adapter.config(), layers).requireSame(adapter.layout());
    } catch (IllegalArgumentException e) {
      throw new IOException(directory + ": not an adapter of this model: " + e.getMessage(), e);
    }
    return adapter;
  }

  private static List<String> targets(
      Path configFile, ObjectNode json, Path weights, AdapterLayout layout) throws IOException {
    List<LinearSpec> layers;
    try {
      layers = layout.pairs().stream().map(LoraPair::layer).toList();
    } catch (IllegalArgumentException e) {
      throw new IOException(weights + ": " + e.getMessage(), e);
    }
    return PeftTargets.of(configFile, json).choosing(weights, layers);
  }

  private static LoraConfig config(Path file, ObjectNode json, List<String> targets)
      throws IOException {
    if (!json.path("peft_type").asText().equals("LORA")) {
      throw refused(file, json, "peft_type", "LORA");
    }
    if (json.hasNonNull("task_type") && !json.get("task_type").asText().equals("CAUSAL_LM")) {
      throw refused(file, json, "task_type", "CAUSAL_LM");
    }
    if (json.hasNonNull("bias") && !json.get("bias").asText().equals("none")) {
      throw refused(file, json, "bias", "none");
    }
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      String key = field.getKey();
      if (!key.equals("bias")
          && !key.equals("init_lora_weights")
          && !HARMLESS.contains(key)
          && !isOff(field.getValue())) {
        throw refused(file, json, key, "off; it is unsupported");
      }
    }
    JsonNode init = json.path("init_lora_weights");
    if (init.isTextual() && !init.asText().equals("gaussian")) { // others change the base model
      throw refused(file, json, "init_lora_weights", "true, false or gaussian");
    }
    if (!json.path("r").isInt()) {
      throw refused(file, json, "r", "an integer");
    }
    if (!json.path("lora_alpha").isNumber()) {
      throw refused(file, json, "lora_alpha", "a number");
    }
    try {
      return new LoraConfig(
          json.get("r").intValue(),
          json.get("lora_alpha").doubleValue(),
          json.path("lora_dropout").asDouble(0),
          targets,
          json.path("use_rslora").asBoolean(false));
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  private static boolean isOff(JsonNode value) {
    return value.isNull()
        || (value.isBoolean() && !value.booleanValue())
        || (value.isContainerNode() && value.isEmpty());
  }

  private static IOException refused(Path file, ObjectNode json, String key, String expected) {
    return new IOException(
        file + ": " + key + ": " + json.get(key) + " (expected: " + expected + ")");
  }

  /** Checks that every tensor is a LoRA A or B of the rank, and that both are there. */
  private static void requireLora(Path file, LoraConfig config, AdapterLayout layout)
      throws IOException {
    List<LoraPair> pairs;
    try {
      pairs = layout.pairs();
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
    for (LoraPair pair : pairs) {
      TensorSpec a = layout.tensors().get(pair.a());
      if (pair.rank() != config.rank()) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s: %s: shape %s (expected: rank %d, as in %s)",
                file,
                a.name(),
                a.shape(),
                config.rank(),
                CONFIG));
      }
    }
  }

  /**
   * Writes an adapter directory that PEFT loads.
   *
   * @param baseModel the base model's name or path, for the config
   */
  public static void write(Adapter adapter, Path directory, String baseModel) throws IOException {
    LoraConfig config = adapter.config();
    ObjectNode json = Json.object();
    json.put("peft_type", "LORA");
    json.put("task_type", "CAUSAL_LM");
    json.put("base_model_name_or_path", baseModel);
    json.put("r", config.rank());
    if (config.alpha() == Math.rint(config.alpha()) && config.alpha() <= Integer.MAX_VALUE) {
      json.put("lora_alpha", (int) config.alpha());
    } else {
      json.put("lora_alpha", config.alpha());
    }
    json.put("lora_dropout", config.dropout());
    config.targets().forEach(json.putArray("target_modules")::add);
    json.put("bias", "none");
    json.put("fan_in_fan_out", false);
    json.put("inference_mode", true);
    json.put("init_lora_weights", true);
    json.put("use_dora", false);
    json.put("use_rslora", config.rankStabilized());
    json.putNull("modules_to_save");
    AdapterFile.write(adapter, directory.resolve(WEIGHTS));
    DurableFiles.write(directory.resolve(CONFIG), Json.indented(json));
  }
}
