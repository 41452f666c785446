package org.edgefit.format.safetensors;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.adapter.TensorSpec;

/** Named tensors as a safetensors file; the same tensors give the same bytes. */
public final class TensorFile {

  private TensorFile() {}

  /** Writes tensors. */
  public static void write(NamedTensors tensors, Path file) throws IOException {
    write(tensors, Map.of(), file);
  }

  /** Writes tensors, and texts by name beside them. */
  public static void write(NamedTensors tensors, Map<String, String> texts, Path file)
      throws IOException {
    TreeMap<String, String> metadata = new TreeMap<>(texts);
    metadata.put("format", "pt");
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(
            file, tensors.specs().stream().map(StoredTensor::f32).toList(), metadata)) {
      for (TensorSpec spec : tensors.specs()) {
        writer.write(spec.name(), tensors.tensor(spec.name()));
      }
      writer.finish();
    }
  }

  /**
   * Copies the tensors of a file into memory.
   *
   * @throws IOException if it is not a valid safetensors file of floating-point tensors
   */
  public static NamedTensors copy(Path file) throws IOException {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      NamedTensors tensors = NamedTensors.none();
      for (StoredTensor tensor : source.tensors()) {
        TensorSpec spec = source.spec(tensor.name());
        tensors = tensors.with(spec.name(), spec.shape(), source.floats(spec.name()));
      }
      return tensors;
    }
  }

  /** Reads the texts of a file. */
  public static Map<String, String> readTexts(Path file) throws IOException {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      return source.metadata();
    }
  }

  /**
   * Maps the tensors of a file.
   *
   * @throws IOException if it is not a valid safetensors file of F32 tensors
   */
  public static NamedTensors read(Path file) throws IOException {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      NamedTensors tensors = NamedTensors.none();
      for (Map.Entry<String, FloatBuffer> entry : source.mapAllFloats().entrySet()) {
        TensorSpec spec = source.spec(entry.getKey());
        tensors = tensors.with(spec.name(), spec.shape(), entry.getValue());
      }
      return tensors;
    }
  }
}
