package org.edgefit.format;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;

/** Adapters and their changes as single safetensors files; the same values give the same bytes. */
public final class AdapterFile {

  private AdapterFile() {}

  /** Writes a change. */
  public static void write(AdapterDelta delta, Path file) throws IOException {
    write(delta.layout(), delta::tensor, file);
  }

  /** Writes an adapter's weights. */
  public static void write(Adapter adapter, Path file) throws IOException {
    write(adapter.layout(), adapter::tensor, file);
  }

  private interface Values {
    FloatBuffer tensor(int index);
  }

  private static void write(AdapterLayout layout, Values values, Path file) throws IOException {
    List<StoredTensor> tensors = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      tensors.add(
          new StoredTensor(
              tensor.name(),
              TensorType.F32,
              tensor.shape().stream().map(Integer::longValue).toList()));
    }
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(file, tensors, Map.of("format", "pt"))) {
      for (int t = 0; t < tensors.size(); t++) {
        writer.write(tensors.get(t).name(), values.tensor(t));
      }
      writer.finish();
    }
  }

  /**
   * Maps a change that must have this layout.
   *
   * @throws IOException if the file is not a valid safetensors file of F32 tensors
   * @throws IllegalArgumentException naming the first tensor that differs from the layout
   */
  public static AdapterDelta readDelta(Path file, AdapterLayout layout) throws IOException {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      layout.requireSame(layoutOf(source));
      Map<String, FloatBuffer> values = source.mapAllFloats();
      return AdapterDelta.of(
          layout, layout.tensors().stream().map(tensor -> values.get(tensor.name())).toList());
    }
  }

  /**
   * Reads an adapter's weights, which must have this layout.
   *
   * @throws IOException if the file is not a valid safetensors file of floating-point tensors
   * @throws IllegalArgumentException naming the first tensor that differs from the layout
   */
  public static Adapter readAdapter(Path file, LoraConfig config, AdapterLayout layout)
      throws IOException {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      layout.requireSame(layoutOf(source));
      List<FloatBuffer> values = new ArrayList<>();
      for (TensorSpec tensor : layout.tensors()) {
        values.add(source.floats(tensor.name()));
      }
      return Adapter.of(config, layout, values);
    }
  }

  /** Returns the layout that a file's header declares. */
  static AdapterLayout layoutOf(SafetensorsFile source) throws IOException {
    List<TensorSpec> tensors = new ArrayList<>();
    for (StoredTensor tensor : source.tensors()) {
      try {
        tensors.add(
            new TensorSpec(tensor.name(), tensor.shape().stream().map(Math::toIntExact).toList()));
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw new IOException(source.path() + ": " + tensor + ": " + e.getMessage(), e);
      }
    }
    return new AdapterLayout(tensors);
  }
}
