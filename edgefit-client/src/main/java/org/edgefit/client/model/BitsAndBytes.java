package org.edgefit.client.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.file.Json;
import org.edgefit.format.model.ModelFiles;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;

/**
 * NF4 weights in bitsandbytes' safetensors layout: the packed codes under the weight's own name,
 * with {@code absmax}, {@code quant_map}, with double quantisation {@code nested_absmax} and {@code
 * nested_quant_map}, and a JSON text of bytes, {@code quant_state.bitsandbytes__nf4}.
 */
final class BitsAndBytes {

  private static final String STATE = ".quant_state.bitsandbytes__nf4";
  private static final String OTHER_STATE = ".quant_state.bitsandbytes__";

  /**
   * The bytes of a written state; its text is filled up with spaces, so the size is known ahead.
   */
  private static final int STATE_BYTES = 256;

  /** The types that packed codes may be stored as: the bytes are the same. */
  private static final List<TensorType> STORAGE =
      List.of(TensorType.U8, TensorType.BF16, TensorType.F16, TensorType.F32);

  private BitsAndBytes() {}

  /**
   * Returns whether a weight is in this layout.
   *
   * @throws IOException if it is in another of bitsandbytes' types
   */
  static boolean isQuantized(ModelFiles files, String weight) throws IOException {
    SafetensorsFile file = files.find(weight);
    if (files.find(weight + STATE) != null) {
      return true;
    }
    for (String name : files.names()) {
      if (name.startsWith(weight + OTHER_STATE)) {
        throw new IOException(
            files.file(name).path() + ": " + name + " (expected: " + weight + STATE + ")");
      }
    }
    if (file != null && file.tensor(weight).type() == TensorType.U8) {
      throw new IOException(
          file.path() + ": " + weight + ": packed codes without " + weight + STATE);
    }
    if (file != null && file.tensor(weight).type() == TensorType.I8) {
      throw new IOException(
          file.path() + ": " + weight + ": 8-bit weights (expected: NF4 or full precision)");
    }
    return false;
  }

  /** Returns the type that a quantised weight had before. */
  static TensorType originalType(ModelFiles files, String weight) throws IOException {
    String where = files.file(weight).path() + ": " + weight + STATE;
    ByteBuffer state = files.file(weight + STATE).read(weight + STATE);
    String dtype =
        Json.parse(StandardCharsets.UTF_8.decode(state).toString().trim(), where)
            .path("dtype")
            .asText();
    return switch (dtype) {
      case "bfloat16" -> TensorType.BF16;
      case "float16" -> TensorType.F16;
      default -> TensorType.F32;
    };
  }

  /** Reads a weight, and removes its tensors from {@code unread}. */
  static Nf4Weight read(ModelFiles files, String weight, LinearSpec spec, Set<String> unread)
      throws IOException {
    int n = spec.outputs() * spec.inputs();
    int blocks = Nf4.blocks(n);
    String where = files.file(weight).path() + ": " + weight;
    ObjectNode state =
        Json.parse(
            StandardCharsets.UTF_8.decode(bytes(files, weight + STATE, unread)).toString().trim(),
            where + STATE);
    require(where, "quant_type", state.path("quant_type").asText(), "nf4");
    require(where, "blocksize", state.path("blocksize").asText(), "64");
    require(
        where,
        "shape",
        state.path("shape").toString(),
        "[" + spec.outputs() + "," + spec.inputs() + "]");
    ByteBuffer packed = packed(files, weight, unread);
    require(where, "bytes", Integer.toString(packed.remaining()), Integer.toString(n / 2));
    float[] levels = floats(files, weight + ".quant_map", unread);
    require(where, "quant_map", Arrays.toString(levels), Arrays.toString(Nf4.LEVELS));
    ByteBuffer memory = ByteBuffer.allocateDirect(packed.remaining()).put(packed).flip();

    if (!state.has("nested_blocksize")) {
      float[] absmax = floats(files, weight + ".absmax", unread);
      require(where, "absmax", Integer.toString(absmax.length), Integer.toString(blocks));
      return new Nf4Weight(memory, new Scales.Plain(absmax), spec.outputs(), spec.inputs());
    }
    require(where, "nested_blocksize", state.path("nested_blocksize").asText(), "256");
    if (!state.path("nested_offset").isNumber()) {
      throw new IOException(where + STATE + ": nested_offset: missing (expected: a number)");
    }
    ByteBuffer codes = bytes(files, weight + ".absmax", unread);
    require(where, "absmax", Integer.toString(codes.remaining()), Integer.toString(blocks));
    byte[] codeArray = new byte[blocks];
    codes.get(codeArray);
    float[] nested = floats(files, weight + ".nested_absmax", unread);
    int nestedBlocks = (blocks + Scales.Nested.BLOCK - 1) / Scales.Nested.BLOCK;
    require(
        where, "nested_absmax", Integer.toString(nested.length), Integer.toString(nestedBlocks));
    float[] map = floats(files, weight + ".nested_quant_map", unread);
    require(where, "nested_quant_map", Integer.toString(map.length), "256");
    float offset = (float) state.get("nested_offset").doubleValue();
    if (!Float.isFinite(offset)) {
      throw new IOException(
          where + STATE + ": nested_offset: " + offset + " (expected: a finite number)");
    }
    return new Nf4Weight(
        memory, new Scales.Nested(codeArray, nested, map, offset), spec.outputs(), spec.inputs());
  }

  private static void require(String where, String key, String value, String expected)
      throws IOException {
    if (!value.equals(expected)) {
      throw new IOException(where + ": " + key + ": " + value + " (expected: " + expected + ")");
    }
  }

  /**
   * Returns a weight's codes, whatever type they are stored as ({@code bnb_4bit_quant_storage}).
   */
  private static ByteBuffer packed(ModelFiles files, String name, Set<String> unread)
      throws IOException {
    SafetensorsFile file = files.file(name);
    TensorType type = file.tensor(name).type();
    if (!STORAGE.contains(type)) {
      throw new IOException(
          file.path() + ": " + name + ": dtype " + type + " (expected: one of " + STORAGE + ")");
    }
    unread.remove(name);
    return file.read(name);
  }

  private static ByteBuffer bytes(ModelFiles files, String name, Set<String> unread)
      throws IOException {
    SafetensorsFile file = files.file(name);
    if (file.tensor(name).type() != TensorType.U8) {
      throw new IOException(
          file.path() + ": " + name + ": dtype " + file.tensor(name).type() + " (expected: U8)");
    }
    unread.remove(name);
    return file.read(name);
  }

  private static float[] floats(ModelFiles files, String name, Set<String> unread)
      throws IOException {
    FiniteWeights.require(files, name);
    FloatBuffer values = files.file(name).floats(name);
    unread.remove(name);
    float[] array = new float[values.remaining()];
    values.get(array);
    return array;
  }

  /** Returns the tensors that a double-quantised weight is written as, in their order. */
  static List<StoredTensor> tensors(LinearSpec spec) {
    String weight = spec.name() + ".weight";
    long n = (long) spec.outputs() * spec.inputs();
    long blocks = Nf4.blocks(Math.toIntExact(n));
    long nestedBlocks = (blocks + Scales.Nested.BLOCK - 1) / Scales.Nested.BLOCK;
    List<StoredTensor> tensors = new ArrayList<>();
    tensors.add(new StoredTensor(weight + ".nested_absmax", TensorType.F32, List.of(nestedBlocks)));
    tensors.add(new StoredTensor(weight + ".nested_quant_map", TensorType.F32, List.of(256L)));
    tensors.add(new StoredTensor(weight + ".quant_map", TensorType.F32, List.of(16L)));
    tensors.add(new StoredTensor(weight, TensorType.U8, List.of(n / 2, 1L)));
    tensors.add(new StoredTensor(weight + ".absmax", TensorType.U8, List.of(blocks)));
    tensors.add(new StoredTensor(weight + STATE, TensorType.U8, List.of((long) STATE_BYTES)));
    return tensors;
  }

  /**
   * Writes a double-quantised weight.
   *
   * @param dtype the type that the weight had, as torch names it
   */
  static void write(SafetensorsWriter writer, LinearSpec spec, Nf4Weight matrix, String dtype)
      throws IOException {
    if (!(matrix.scales() instanceof Scales.Nested scales)) {
      throw new IllegalArgumentException(spec.name() + ": scales in float32 (expected: in 8 bits)");
    }
    String weight = spec.name() + ".weight";
    writer.write(weight + ".nested_absmax", FloatBuffer.wrap(scales.absmax()));
    writer.write(weight + ".nested_quant_map", FloatBuffer.wrap(scales.map()));
    writer.write(weight + ".quant_map", FloatBuffer.wrap(Nf4.LEVELS));
    writer.write(weight, matrix.packed());
    writer.write(weight + ".absmax", ByteBuffer.wrap(scales.codes()));
    ObjectNode state = Json.object();
    state.put("quant_type", "nf4");
    state.put("blocksize", Nf4.BLOCK);
    state.put("dtype", dtype);
    state.putArray("shape").add(spec.outputs()).add(spec.inputs());
    state.put("nested_blocksize", Scales.Nested.BLOCK);
    state.put("nested_dtype", "float32");
    state.put("nested_offset", (double) scales.offset());
    byte[] text = state.toString().getBytes(StandardCharsets.US_ASCII);
    ByteBuffer padded = ByteBuffer.allocate(STATE_BYTES).order(ByteOrder.LITTLE_ENDIAN).put(text);
    while (padded.hasRemaining()) {
      padded.put((byte) ' ');
    }
    writer.write(weight + STATE, padded.flip());
  }
}
