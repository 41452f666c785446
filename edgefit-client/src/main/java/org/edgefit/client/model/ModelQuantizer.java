package org.edgefit.client.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ObjIntConsumer;
import java.util.stream.Stream;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;
import org.edgefit.file.OutputDirectory;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;

/**
 * Writes a full-precision model directory as bitsandbytes would save it in NF4 with double
 * quantisation, one tensor in memory at a time. The linear layers of the blocks are quantised;
 * embeddings, norms and head keep their bytes.
 */
public final class ModelQuantizer {

  /** The files beside the weights that a model directory needs. */
  private static final List<String> COMPANIONS =
      List.of(
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "tokenizer.model",
          "chat_template.jinja");

  private ModelQuantizer() {}

  /**
   * Quantises {@code from} into the new directory {@code to}.
   *
   * @param progress gets each tensor's name and the number written before it
   * @throws IOException if the model is already quantised, a weight is not finite, or {@code to} is
   *     not empty
   */
  public static void quantize(Path from, Path to, ObjIntConsumer<String> progress)
      throws IOException {
    ModelConfig config = ModelConfig.read(from);
    OutputDirectory.require(to, false);
    Map<String, LinearSpec> linear = new HashMap<>();
    config.linearLayers().forEach(spec -> linear.put(spec.name() + ".weight", spec));
    try (ModelFiles files = ModelFiles.open(from)) {
      List<StoredTensor> tensors = new ArrayList<>();
      for (String name : files.names()) {
        LinearSpec spec = linear.get(name);
        if (spec == null) {
          tensors.add(files.file(name).tensor(name));
        } else if (BitsAndBytes.isQuantized(files, name)) {
          throw new IOException(
              from
                  + ": "
                  + name
                  + ": quantised already (expected: full precision; it can be used as it is)");
        } else {
          List<Long> shape = files.file(name).tensor(name).shape();
          List<Long> expected = List.of((long) spec.outputs(), (long) spec.inputs());
          if (!shape.equals(expected)) {
            throw new IOException(
                from + ": " + name + ": shape " + shape + " (expected: " + expected + ")");
          }
          tensors.addAll(BitsAndBytes.tensors(spec));
        }
      }
      try (SafetensorsWriter writer =
          SafetensorsWriter.create(
              to.resolve("model.safetensors"), tensors, Map.of("format", "pt"))) {
        Nf4Quantizer quantizer = new Nf4Quantizer();
        int done = 0;
        for (String name : files.names()) {
          progress.accept(name, done++);
          SafetensorsFile file = files.file(name);
          LinearSpec spec = linear.get(name);
          if (spec == null) {
            FiniteWeights.require(files, name);
            writer.write(name, file.map(name));
          } else {
            TensorType type = file.tensor(name).type();
            Nf4Weight matrix =
                quantizer.quantize(
                    (first, out) -> FiniteWeights.copy(files, name, first, out),
                    spec.outputs(),
                    spec.inputs(),
                    true);
            BitsAndBytes.write(writer, spec, matrix, type.torchName());
          }
        }
        writer.finish();
      }
    }
    copyCompanions(from, to);
    ObjectNode json = Json.read(from.resolve(ModelConfig.FILE));
    ObjectNode quantization = json.putObject("quantization_config");
    quantization.put("quant_method", "bitsandbytes");
    quantization.put("load_in_4bit", true);
    quantization.put("load_in_8bit", false);
    quantization.put("bnb_4bit_quant_type", "nf4");
    quantization.put("bnb_4bit_use_double_quant", true);
    quantization.put("bnb_4bit_compute_dtype", "float32");
    quantization.put("bnb_4bit_quant_storage", "uint8");
    quantization.putArray("llm_int8_skip_modules").add("lm_head");
    DurableFiles.write(to.resolve(ModelConfig.FILE), Json.indented(json));
  }

  /** Copies the files beside the weights that a model directory needs. */
  static void copyCompanions(Path from, Path to) throws IOException {
    for (String companion : COMPANIONS) {
      if (Files.exists(from.resolve(companion))) {
        Files.copy(
            from.resolve(companion), to.resolve(companion), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    Path templates = from.resolve(ChatTemplates.MORE);
    if (Files.isDirectory(templates)) {
      Path copies = Files.createDirectories(to.resolve(ChatTemplates.MORE));
      try (Stream<Path> files = Files.list(templates)) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Files.copy(file, copies.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }
}
