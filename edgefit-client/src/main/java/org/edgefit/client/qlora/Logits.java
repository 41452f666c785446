package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.model.BaseModel;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;
import org.jspecify.annotations.Nullable;

/** The logits of a text of token ids, for comparison with other tools. */
public final class Logits {

  private Logits() {}

  /**
   * Returns the logits of every position, (tokens, vocabulary), row by row.
   *
   * @param adapter the adapter; null for the base model alone
   * @param ids the token ids, at least one
   * @throws IllegalArgumentException if an id is not in the vocabulary
   */
  public static float[] compute(BaseModel base, @Nullable Adapter adapter, int[] ids) {
    int vocabulary = base.config().vocabularySize();
    if (ids.length == 0) {
      throw new IllegalArgumentException("ids: none (expected: at least one)");
    }
    for (int id : ids) {
      if (id < 0 || id >= vocabulary) {
        throw new IllegalArgumentException(
            "ids: " + id + " (expected: 0 to " + (vocabulary - 1) + ")");
      }
    }
    try (Decoder decoder = Decoder.of(base, adapter);
        Decoder.Pass pass = decoder.infer(Batch.of(ids));
        NDArray logits = pass.logits(0, ids.length)) {
      return logits.toFloatArray();
    }
  }

  /** Writes the logits as the float32 tensor {@code logits} of a safetensors file. */
  public static void write(BaseModel base, @Nullable Adapter adapter, int[] ids, Path file)
      throws IOException {
    float[] logits = compute(base, adapter, ids);
    StoredTensor tensor =
        new StoredTensor(
            "logits",
            TensorType.F32,
            List.of((long) ids.length, (long) base.config().vocabularySize()));
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, List.of(tensor), Map.of())) {
      writer.write("logits", FloatBuffer.wrap(logits));
      writer.finish();
    }
  }
}
