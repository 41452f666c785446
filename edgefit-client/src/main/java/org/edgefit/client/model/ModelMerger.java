package org.edgefit.client.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;
import org.edgefit.file.OutputDirectory;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.safetensors.HalfFloat;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;

/**
 * Merges an adapter into a base model: {@code W + s B A}, computed in float32 and stored in the
 * checkpoint's type. Weights quantised by bitsandbytes are dequantised to their original dtype.
 */
public final class ModelMerger {

  /** What is rounded to the largest number in 16 bits of IEEE and of bfloat16, and no further. */
  private static final float MOST_HALF = 65519f;

  private static final float MOST_BFLOAT = 3.39e38f;

  private final ModelFiles files;
  private final Adapter adapter;
  private final Map<String, LinearSpec> linear = new HashMap<>();
  private final Map<String, Integer> adapterTensors = new HashMap<>();

  private ModelMerger(ModelFiles files, ModelConfig config, Adapter adapter) {
    this.files = files;
    this.adapter = adapter;
    config.linearLayers().forEach(spec -> linear.put(spec.name() + ".weight", spec));
    List<TensorSpec> tensors = adapter.layout().tensors();
    for (int t = 0; t < tensors.size(); t++) {
      adapterTensors.put(tensors.get(t).name(), t);
    }
  }

  /**
   * Writes the merged model into the new directory {@code to}.
   *
   * @param progress gets each tensor's name and the number written before it
   * @throws IOException if {@code to} is not empty, a weight is not finite, or the adapter does not
   *     fit
   */
  public static void merge(Path from, Adapter adapter, Path to, ObjIntConsumer<String> progress)
      throws IOException {
    ModelConfig config = ModelConfig.read(from);
    OutputDirectory.require(to, false);
    try {
      AdapterLayout.of(adapter.config(), config.linearLayers()).requireSame(adapter.layout());
    } catch (IllegalArgumentException e) {
      throw new IOException("adapter: " + e.getMessage(), e);
    }
    try (ModelFiles files = ModelFiles.open(from)) {
      new ModelMerger(files, config, adapter).write(to, progress);
    }
    ModelQuantizer.copyCompanions(from, to);
    ObjectNode json = Json.read(from.resolve(ModelConfig.FILE));
    json.remove("quantization_config");
    DurableFiles.write(to.resolve(ModelConfig.FILE), Json.indented(json));
  }

  private void write(Path to, ObjIntConsumer<String> progress) throws IOException {
    List<StoredTensor> tensors = new ArrayList<>();
    TreeSet<String> parts = new TreeSet<>();
    for (String name : files.names()) {
      LinearSpec spec = linear.get(name);
      if (spec != null && BitsAndBytes.isQuantized(files, name)) {
        parts.addAll(files.names().stream().filter(n -> n.startsWith(name + ".")).toList());
        tensors.add(
            new StoredTensor(
                name,
                BitsAndBytes.originalType(files, name),
                List.of((long) spec.outputs(), (long) spec.inputs())));
      } else {
        tensors.add(files.tensor(name));
      }
    }
    tensors.removeIf(tensor -> parts.contains(tensor.name()));
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(
            to.resolve("model.safetensors"), tensors, Map.of("format", "pt"))) {
      int done = 0;
      for (StoredTensor tensor : tensors) {
        progress.accept(tensor.name(), done++);
        LinearSpec spec = linear.get(tensor.name());
        if (spec != null && isChanged(tensor.name(), spec)) {
          writer.write(tensor.name(), stored(tensor, merged(tensor.name(), spec)));
        } else {
          FiniteWeights.require(files, tensor.name());
          writer.write(tensor.name(), files.file(tensor.name()).map(tensor.name()));
        }
      }
      writer.finish();
    }
  }

  private boolean isChanged(String name, LinearSpec spec) throws IOException {
    return adapterTensors.containsKey(AdapterLayout.nameOfA(spec.name()))
        || BitsAndBytes.isQuantized(files, name);
  }

  /** Returns {@code W + s B A}, or W where the layer is not adapted. */
  private float[] merged(String name, LinearSpec spec) throws IOException {
    float[] weight;
    if (BitsAndBytes.isQuantized(files, name)) {
      weight = BitsAndBytes.read(files, name, spec, new TreeSet<>()).decode();
    } else {
      weight = new float[Math.multiplyExact(spec.outputs(), spec.inputs())];
      FiniteWeights.copy(files, name, 0, FloatBuffer.wrap(weight));
    }
    Integer a = adapterTensors.get(AdapterLayout.nameOfA(spec.name()));
    Integer b = adapterTensors.get(AdapterLayout.nameOfB(spec.name()));
    if (a == null || b == null) {
      return weight;
    }
    int rank = adapter.config().rank();
    int inputs = spec.inputs();
    float[] down = new float[rank * inputs];
    adapter.tensor(a).get(0, down);
    FloatBuffer up = adapter.tensor(b);
    float scale = (float) adapter.config().scaling();
    IntStream.range(0, spec.outputs())
        .parallel()
        .forEach(
            row -> {
              for (int k = 0; k < rank; k++) {
                float factor = scale * up.get(row * rank + k);
                for (int i = 0; i < inputs; i++) {
                  weight[row * inputs + i] += factor * down[k * inputs + i];
                }
              }
            });
    return weight;
  }

  /** Returns values as a tensor's type has them, which must still be finite. */
  private static ByteBuffer stored(StoredTensor tensor, float[] values) throws IOException {
    TensorType type = tensor.type();
    float most =
        switch (type) {
          case F16 -> MOST_HALF;
          case BF16 -> MOST_BFLOAT;
          default -> Float.MAX_VALUE;
        };
    for (int i = 0; i < values.length; i++) {
      if (!(Math.abs(values[i]) <= most)) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s[%d]: %s with the adapter (expected: a finite number in %s)",
                tensor.name(),
                i,
                values[i],
                type));
      }
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(values.length, type.bytes()))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      switch (type) {
        case F16 -> bytes.putShort(HalfFloat.fromFloat(value));
        case BF16 -> bytes.putShort(HalfFloat.toBfloat16(value));
        default -> bytes.putFloat(value);
      }
    }
    return bytes.flip();
  }
}
