package org.edgefit.format.peft;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraPair;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.FileFault;
import org.edgefit.format.gguf.GgufFile;
import org.edgefit.format.gguf.GgufType;
import org.edgefit.format.model.ModelConfig;

/**
 * An adapter as a GGUF file, which llama.cpp applies to a base model in that format. Weights are
 * float32.
 */
public final class GgufAdapter {

  private static final Map<String, String> MODULES =
      Map.ofEntries(
          Map.entry("self_attn.q_proj", "attn_q"),
          Map.entry("self_attn.k_proj", "attn_k"),
          Map.entry("self_attn.v_proj", "attn_v"),
          Map.entry("self_attn.o_proj", "attn_output"),
          Map.entry("self_attn.qkv_proj", "attn_qkv"),
          Map.entry("mlp.gate_proj", "ffn_gate"),
          Map.entry("mlp.up_proj", "ffn_up"),
          Map.entry("mlp.gate_up_proj", "ffn_up"),
          Map.entry("mlp.down_proj", "ffn_down"));

  private static final int UINT32 = 4;
  private static final int FLOAT32 = 6;
  private static final int STRING = 8;

  private final Adapter adapter;
  private final ModelConfig config;
  private final String architecture;

  private GgufAdapter(Adapter adapter, ModelConfig config) {
    this.adapter = adapter;
    this.config = config;
    // llama.cpp knows Mistral's models as Llama's.
    this.architecture = config.modelType().equals("mistral") ? "llama" : config.modelType();
  }

  /**
   * Writes an adapter.
   *
   * @param config the shape of the base model
   * @throws IllegalArgumentException naming a tensor that does not belong to the base model
   */
  public static void write(Adapter adapter, ModelConfig config, Path file) throws IOException {
    AdapterLayout.of(adapter.config(), config.linearLayers()).requireSame(adapter.layout());
    new GgufAdapter(adapter, config).write(file);
  }

  private void write(Path file) throws IOException {
    Map<String, FloatBuffer> tensors = new LinkedHashMap<>();
    Map<String, List<Integer>> shapes = new LinkedHashMap<>();
    for (LoraPair pair : adapter.layout().pairs()) {
      String weight = ggufName(pair.layer().name());
      TensorSpec a = adapter.layout().tensors().get(pair.a());
      tensors.put(weight + ".lora_a", adapter.tensor(pair.a()));
      shapes.put(weight + ".lora_a", a.shape());
      TensorSpec b = adapter.layout().tensors().get(pair.b());
      tensors.put(weight + ".lora_b", rows(pair.layer(), b, adapter.tensor(pair.b())));
      shapes.put(weight + ".lora_b", b.shape());
    }
    Path part = DurableFiles.partOf(file);
    try (Counted out = new Counted(Files.newOutputStream(part))) {
      out.int32(GgufFile.MAGIC);
      out.int32(3);
      out.int64(tensors.size());
      out.int64(5);
      out.text("general.architecture", architecture);
      out.text("general.type", "adapter");
      out.text("adapter.type", "lora");
      out.key("adapter.lora.alpha", FLOAT32);
      // llama.cpp scales by alpha / rank alone.
      out.int32(
          Float.floatToRawIntBits((float) (adapter.config().scaling() * adapter.config().rank())));
      out.key("general.quantization_version", UINT32);
      out.int32(2);
      long offset = 0;
      for (Map.Entry<String, List<Integer>> tensor : shapes.entrySet()) {
        List<Integer> shape = tensor.getValue();
        out.string(tensor.getKey());
        out.int32(shape.size());
        for (int i = shape.size() - 1; i >= 0; i--) {
          out.int64(shape.get(i));
        }
        out.int32(GgufType.F32.code());
        out.int64(offset);
        long bytes = 4L * shape.get(0) * shape.get(1);
        offset += padded(bytes);
      }
      out.pad();
      for (FloatBuffer values : tensors.values()) {
        byte[] bytes = new byte[4 * values.remaining()];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
        out.write(bytes);
        out.pad();
      }
    } catch (IOException e) {
      Files.deleteIfExists(part);
      throw FileFault.named(file, e);
    }
    DurableFiles.publish(part, file);
  }

  private static long padded(long bytes) {
    return (bytes + GgufFile.DEFAULT_ALIGNMENT - 1)
        / GgufFile.DEFAULT_ALIGNMENT
        * GgufFile.DEFAULT_ALIGNMENT;
  }

  /** Returns llama.cpp's name of the weight of a layer {@code model.layers.N.MODULE}. */
  private static String ggufName(String layer) {
    String layers = "model.layers.";
    int dot = layer.indexOf('.', layers.length());
    String module = layer.startsWith(layers) && dot > 0 ? layer.substring(dot + 1) : "";
    if (!MODULES.containsKey(module)) {
      throw new IllegalArgumentException(layer + " (expected: one of " + MODULES.keySet() + ")");
    }
    return "blk." + layer.substring(layers.length(), dot) + "." + MODULES.get(module) + ".weight";
  }

  /** Returns B's values; rows that belong to a query or key take llama.cpp's order. */
  private FloatBuffer rows(LinearSpec layer, TensorSpec spec, FloatBuffer values) {
    int heads =
        switch (layer.target()) {
          case "q_proj" -> config.heads();
          case "k_proj" -> config.keyValueHeads();
          default -> 0;
        };
    if (!architecture.equals("llama") || heads == 0) {
      return values;
    }
    int rows = spec.shape().get(0);
    int columns = spec.shape().get(1);
    int half = rows / heads / 2;
    float[] permuted = new float[rows * columns];
    for (int row = 0; row < rows; row++) {
      int head = row / (2 * half);
      int inHead = row % (2 * half);
      int target = head * 2 * half + 2 * (inHead % half) + inHead / half;
      values.get(row * columns, permuted, target * columns, columns);
    }
    return FloatBuffer.wrap(permuted);
  }

  /** Little-endian values, and how many bytes they are. */
  private static final class Counted extends DataOutputStream {

    Counted(OutputStream out) {
      super(new BufferedOutputStream(out, 1 << 16));
    }

    void int32(int value) throws IOException {
      writeInt(Integer.reverseBytes(value));
    }

    void int64(long value) throws IOException {
      writeLong(Long.reverseBytes(value));
    }

    void string(String text) throws IOException {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      int64(bytes.length);
      write(bytes);
    }

    void key(String name, int type) throws IOException {
      string(name);
      int32(type);
    }

    void text(String name, String value) throws IOException {
      key(name, STRING);
      string(value);
    }

    /** Fills up to the alignment. {@code written} stops at 2^31, so files are smaller than that. */
    void pad() throws IOException {
      write(new byte[(int) (padded(size()) - size())]);
    }
  }
}
