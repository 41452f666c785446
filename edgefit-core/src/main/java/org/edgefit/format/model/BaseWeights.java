package org.edgefit.format.model;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import org.edgefit.format.safetensors.StoredTensor;

/** A base model's weights by their transformers names, in any file format. */
public interface BaseWeights extends Closeable {

  /**
   * Opens a Hugging Face model directory or a GGUF file.
   *
   * @throws IOException naming what is missing or broken
   */
  static BaseWeights open(Path path) throws IOException {
    return GgufModel.isGguf(path) ? GgufModel.open(path) : ModelFiles.open(path);
  }

  /** Returns whether a path has weights, not only a config. */
  static boolean exist(Path path) {
    return GgufModel.isGguf(path) || ModelFiles.exist(path);
  }

  /** Returns the names of all tensors, sorted. */
  List<String> names();

  /**
   * Returns a tensor's type and shape.
   *
   * @throws IOException if there is no such tensor
   */
  StoredTensor tensor(String name) throws IOException;

  /**
   * Copies values of a floating-point tensor, widened to float32.
   *
   * @param from the first value, in row-major order
   * @param out is filled, from its position to its limit
   * @throws IOException if the tensor's type is not F32, F16 or BF16
   */
  void copyFloats(String name, long from, FloatBuffer out) throws IOException;

  /** Copies all bytes of a tensor, little-endian, into {@code out}, which it fills. */
  void copyBytes(String name, ByteBuffer out) throws IOException;

  /** Adds the bytes of a tensor, as they lie in the file, to a digest. */
  void digest(String name, MessageDigest digest) throws IOException;

  /** Returns where a tensor lies, for messages. */
  String where(String name) throws IOException;
}
