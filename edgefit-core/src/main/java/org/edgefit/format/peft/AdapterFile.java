package org.edgefit.format.peft;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;

/** Adapters as single safetensors files; the same values give the same bytes. */
public final class AdapterFile {

  private AdapterFile() {}

  /** Writes an adapter's weights. */
  public static void write(Adapter adapter, Path file) throws IOException {
    List<TensorSpec> tensors = adapter.layout().tensors();
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(
            file, tensors.stream().map(StoredTensor::f32).toList(), Map.of("format", "pt"))) {
      for (int t = 0; t < tensors.size(); t++) {
        writer.write(tensors.get(t).name(), adapter.tensor(t));
      }
      writer.finish();
    }
  }

  /**
   * Maps an adapter's weights as {@link #write} leaves them: they take no heap.
   *
   * @throws IOException if the file is not a valid safetensors file of F32 tensors
   */
  public static Adapter map(Path file, LoraConfig config) throws IOException {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      AdapterLayout layout = layoutOf(source);
      Map<String, FloatBuffer> values = source.mapAllFloats();
      return Adapter.of(
          config,
          layout,
          layout.tensors().stream().map(tensor -> values.get(tensor.name())).toList());
    }
  }

  /** Returns the layout that a file declares. */
  public static AdapterLayout layoutOf(Path file) throws IOException {
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      return layoutOf(source);
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
      tensors.add(source.spec(tensor.name()));
    }
    return new AdapterLayout(tensors);
  }
}
