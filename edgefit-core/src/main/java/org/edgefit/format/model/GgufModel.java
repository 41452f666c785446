package org.edgefit.format.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.edgefit.format.gguf.GgufFile;
import org.edgefit.format.gguf.GgufType;
import org.edgefit.format.safetensors.HalfFloat;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;

/**
 * A base model in a llama.cpp GGUF file, seen as a Hugging Face one: with its tensor names and its
 * row order of query and key weights, which a llama file interleaves per head. Quantised tensors
 * are dequantised to float32.
 */
public final class GgufModel implements BaseWeights {

  private static final int MOST_LAYERS = 4096;

  private static final int BYTES_PER_READ = 1 << 20;

  private static final Map<String, String> BLOCK_NAMES =
      Map.of(
          "attn_norm", "input_layernorm",
          "ffn_norm", "post_attention_layernorm",
          "attn_q", "self_attn.q_proj",
          "attn_k", "self_attn.k_proj",
          "attn_v", "self_attn.v_proj",
          "attn_output", "self_attn.o_proj",
          "attn_qkv", "self_attn.qkv_proj",
          "ffn_gate", "mlp.gate_proj",
          "ffn_up", "mlp.up_proj",
          "ffn_down", "mlp.down_proj");

  private static final Map<String, String> OUTER_NAMES =
      Map.of(
          "token_embd", "model.embed_tokens",
          "output_norm", "model.norm",
          "output", "lm_head");

  /** Tensors that are read with the config. */
  private static final Set<String> ROPE =
      Set.of("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight");

  private final GgufFile file;
  private final String architecture;
  private final ModelConfig config;
  private final TreeMap<String, GgufFile.Tensor> tensors = new TreeMap<>();

  private GgufModel(GgufFile file) throws IOException {
    this.file = file;
    this.architecture = file.string("general.architecture", "");
    if (!Set.of("llama", "qwen2", "phi3").contains(architecture)) {
      throw file.refused("general.architecture", "one of llama, phi3, qwen2");
    }
    if (file.integer(architecture + ".expert_count", 0) > 0) {
      throw file.refused(architecture + ".expert_count", "0");
    }
    for (GgufFile.Tensor tensor : file.tensors().values()) {
      if (!ROPE.contains(tensor.name())) {
        tensors.put(huggingFaceName(tensor.name()), tensor);
      }
    }
    this.config = readConfig();
  }

  /** Returns whether a path names a GGUF file. */
  public static boolean isGguf(Path path) {
    return path.toString().endsWith(".gguf");
  }

  /**
   * Opens a file.
   *
   * @throws IOException naming the key or tensor that is missing, bad or not supported
   */
  public static GgufModel open(Path path) throws IOException {
    GgufFile file = GgufFile.open(path);
    try {
      return new GgufModel(file);
    } catch (IllegalArgumentException | ArithmeticException e) {
      file.close();
      throw new IOException(path + ": " + e.getMessage(), e);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private String huggingFaceName(String name) {
    int dot = name.lastIndexOf('.');
    String stem = dot < 0 ? name : name.substring(0, dot);
    String suffix = dot < 0 ? "" : name.substring(dot);
    if (OUTER_NAMES.containsKey(stem)) {
      return OUTER_NAMES.get(stem) + suffix;
    }
    String[] parts = stem.split("\\.", 3);
    if (parts.length == 3 && parts[0].equals("blk") && BLOCK_NAMES.containsKey(parts[2])) {
      boolean isGateUp = architecture.equals("phi3") && parts[2].equals("ffn_up");
      String module = isGateUp ? "mlp.gate_up_proj" : BLOCK_NAMES.get(parts[2]);
      return "model.layers." + parts[1] + "." + module + suffix;
    }
    return name; // nothing asks for it, so that the loader names it
  }

  private String key(String name) {
    return architecture + "." + name;
  }

  private ModelConfig readConfig() throws IOException {
    int hidden = file.integer(key("embedding_length"));
    int layers = file.integer(key("block_count"));
    int heads = file.integer(key("attention.head_count"));
    if (layers < 1 || layers > MOST_LAYERS || heads < 1) {
      throw file.refused(key(heads < 1 ? "attention.head_count" : "block_count"), "1 to 4096");
    }
    int headSize = file.integer(key("attention.key_length"), hidden / heads);
    int positions = file.integer(key("context_length"));
    int window = file.integer(key("attention.sliding_window"), 0);
    GgufFile.Tensor embeddings = file.tensors().get("token_embd.weight");
    if (embeddings == null) {
      throw new IOException(file.path() + ": token_embd.weight: no such tensor");
    }
    Set<Integer> ends = new TreeSet<>();
    for (String end : List.of("eos_token_id", "eot_token_id")) {
      if (file.find("tokenizer.ggml." + end) != null) {
        ends.add(file.integer("tokenizer.ggml." + end));
      }
    }
    Set<String> biases = new TreeSet<>();
    for (String name : tensors.keySet()) {
      if (name.startsWith("model.layers.0.") && name.endsWith(".bias")) {
        String module = name.substring(0, name.length() - ".bias".length());
        biases.add(module.substring(module.lastIndexOf('.') + 1));
      }
    }
    return new ModelConfig(
        architecture,
        hidden,
        file.integer(key("feed_forward_length")),
        layers,
        heads,
        file.integer(key("attention.head_count_kv"), heads),
        headSize,
        Math.toIntExact(embeddings.shape().get(0)),
        floatNumber("attention.layer_norm_rms_epsilon", 1e-5),
        rope(headSize, positions),
        Collections.nCopies(layers, architecture.equals("phi3") ? window : 0),
        architecture.equals("phi3"),
        biases,
        positions,
        !tensors.containsKey("lm_head.weight"),
        file.integer("tokenizer.ggml.bos_token_id", -1),
        ends);
  }

  /** Floats of the file stand for the decimal number that they are nearest to. */
  private double floatNumber(String name, double otherwise) throws IOException {
    return Double.parseDouble(Float.toString((float) file.number(key(name), otherwise)));
  }

  private RopeConfig rope(int headSize, int positions) throws IOException {
    int dimensions = file.integer(key("rope.dimension_count"), headSize);
    RopeConfig.Scaling scaling = new RopeConfig.Unscaled();
    double factor = floatNumber("rope.scaling.factor", 1);
    String type = file.string(key("rope.scaling.type"), "linear");
    if (factor == 1 && file.find(key("rope.scale_linear")) != null) {
      factor = floatNumber("rope.scale_linear", 1);
    }
    if (file.tensors().containsKey("rope_factors_short.weight")) {
      scaling =
          new RopeConfig.LongRope(
              factors("rope_factors_short.weight"),
              factors("rope_factors_long.weight"),
              file.integer(key("rope.scaling.original_context_length"), positions),
              floatNumber("rope.scaling.attn_factor", 1));
    } else if (file.tensors().containsKey("rope_freqs.weight")) {
      List<Double> factors = factors("rope_freqs.weight"); // Llama 3's scaling, worked out
      scaling = new RopeConfig.LongRope(factors, factors, positions, 1);
    } else if (type.equals("linear") && factor != 1) {
      scaling = new RopeConfig.Linear(factor);
    } else if (!type.equals("none") && !type.equals("linear")) {
      throw file.refused(key("rope.scaling.type"), "none or linear");
    }
    return new RopeConfig(floatNumber("rope.freq_base", 10000), dimensions, scaling);
  }

  private List<Double> factors(String name) throws IOException {
    GgufFile.Tensor tensor = file.tensors().get(name);
    if (tensor == null) {
      throw new IOException(file.path() + ": " + name + ": no such tensor");
    }
    float[] values = new float[Math.toIntExact(tensor.elements())];
    ByteBuffer bytes = GgufFile.buffer(Math.toIntExact(tensor.bytes()));
    file.read(tensor, 0, bytes);
    tensor.type().decode(bytes, 0, values, values.length);
    List<Double> factors = new ArrayList<>();
    for (float value : values) {
      factors.add((double) value);
    }
    return factors;
  }

  /** Returns the model's shape. */
  public ModelConfig config() {
    return config;
  }

  @Override
  public List<String> names() {
    return List.copyOf(tensors.keySet());
  }

  private GgufFile.Tensor require(String name) throws IOException {
    GgufFile.Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IOException(file.path() + ": " + name + ": no such tensor");
    }
    return tensor;
  }

  @Override
  public StoredTensor tensor(String name) throws IOException {
    GgufFile.Tensor tensor = require(name);
    TensorType type =
        switch (tensor.type()) {
          case F32 -> TensorType.F32;
          case F16 -> TensorType.F16;
          default -> TensorType.BF16; // has room for what a quantised value knows
        };
    return new StoredTensor(name, type, tensor.shape());
  }

  @Override
  public void copyFloats(String name, long from, FloatBuffer out) throws IOException {
    GgufFile.Tensor tensor = require(name);
    int columns = Math.toIntExact(tensor.shape().get(tensor.shape().size() - 1));
    if (tensor.shape().size() == 1 && headsOf(name) > 0) {
      columns = 1; // a bias, whose values are rows
    }
    long rowBytes = tensor.type().bytes(columns);
    boolean isInterleaved = headsOf(name) > 0;
    long rows = tensor.elements() / columns;
    int atOnce = isInterleaved ? 1 : (int) Math.min(rows, Math.max(1, BYTES_PER_READ / rowBytes));
    ByteBuffer bytes = GgufFile.buffer(Math.toIntExact(atOnce * rowBytes));
    float[] values = new float[Math.multiplyExact(atOnce, columns)];
    long row = from / columns;
    int skip = (int) (from % columns);
    while (out.hasRemaining()) {
      int count = (int) Math.min(atOnce, rows - row);
      long source = isInterleaved ? interleaved(name, row, rows) : row;
      bytes.clear().limit(Math.toIntExact(count * rowBytes));
      file.read(tensor, source * rowBytes, bytes);
      tensor.type().decode(bytes, 0, values, count * columns);
      int taken = Math.min(out.remaining(), count * columns - skip);
      out.put(values, skip, taken);
      skip = 0;
      row += count;
    }
  }

  /** Returns the heads of a tensor whose rows the file interleaves, or 0. */
  private int headsOf(String name) {
    if (!architecture.equals("llama")) {
      return 0;
    }
    if (name.contains(".self_attn.q_proj.")) {
      return config.heads();
    }
    return name.contains(".self_attn.k_proj.") ? config.keyValueHeads() : 0;
  }

  /** Returns where the file has a row: the halves of a head take turns there. */
  private long interleaved(String name, long row, long rows) {
    long size = rows / headsOf(name);
    long inHead = row % size;
    return row - inHead + 2 * (inHead % (size / 2)) + inHead / (size / 2);
  }

  @Override
  public void copyBytes(String name, ByteBuffer out) throws IOException {
    boolean isF32 = require(name).type() == GgufType.F32;
    boolean isF16 = require(name).type() == GgufType.F16;
    int valueBytes = isF32 ? Float.BYTES : Short.BYTES;
    int values = Math.min(BYTES_PER_READ, out.remaining()) / valueBytes;
    FloatBuffer part = FloatBuffer.allocate(values);
    for (long from = 0; out.hasRemaining(); from += part.limit()) {
      part.clear().limit(Math.min(part.capacity(), out.remaining() / valueBytes));
      copyFloats(name, from, part);
      for (int i = 0; i < part.limit(); i++) {
        float value = part.get(i);
        if (isF32) {
          out.putFloat(value);
        } else {
          out.putShort(isF16 ? HalfFloat.fromFloat(value) : HalfFloat.toBfloat16(value));
        }
      }
    }
  }

  @Override
  public void digest(String name, MessageDigest digest) throws IOException {
    GgufFile.Tensor tensor = require(name);
    ByteBuffer part = ByteBuffer.allocate((int) Math.min(BYTES_PER_READ, tensor.bytes()));
    for (long at = 0; at < tensor.bytes(); at += part.capacity()) {
      part.clear().limit((int) Math.min(part.capacity(), tensor.bytes() - at));
      file.read(tensor, at, part);
      digest.update(part.flip());
    }
  }

  @Override
  public String where(String name) throws IOException {
    return file.path() + ": " + require(name).name();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
