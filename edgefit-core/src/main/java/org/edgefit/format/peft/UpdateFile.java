package org.edgefit.format.peft;

import java.io.Closeable;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;

/**
 * A client's uploaded tensors, as one safetensors file: the adapter delta under the adapter's
 * tensor names, and more tensors under {@code extra/}. The same values give the same bytes. Values
 * are read in chunks or memory-mapped.
 */
public final class UpdateFile implements Closeable {

  private static final String EXTRA = "extra/";

  private final SafetensorsFile source;
  private final AdapterLayout layout;
  private final List<TensorSpec> extra;

  private UpdateFile(SafetensorsFile source, AdapterLayout layout, List<TensorSpec> extra) {
    this.source = source;
    this.layout = layout;
    this.extra = extra;
  }

  /** Writes a change and further tensors. */
  public static void write(AdapterDelta delta, NamedTensors extra, Path file) throws IOException {
    List<StoredTensor> tensors = new ArrayList<>();
    delta.layout().tensors().forEach(spec -> tensors.add(StoredTensor.f32(spec)));
    for (TensorSpec spec : extra.specs()) {
      tensors.add(StoredTensor.f32(new TensorSpec(EXTRA + spec.name(), spec.shape())));
    }
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(file, tensors, Map.of("format", "pt"))) {
      for (int t = 0; t < delta.layout().tensors().size(); t++) {
        writer.write(tensors.get(t).name(), delta.tensor(t));
      }
      for (TensorSpec spec : extra.specs()) {
        writer.write(EXTRA + spec.name(), extra.tensor(spec.name()));
      }
      writer.finish();
    }
  }

  /**
   * Opens an update.
   *
   * @param layout the layout that the change must have
   * @throws IOException if it is not a valid safetensors file of F32 tensors
   * @throws IllegalArgumentException naming the first tensor that differs from the layout
   */
  public static UpdateFile open(Path file, AdapterLayout layout) throws IOException {
    SafetensorsFile source = SafetensorsFile.open(file);
    try {
      List<TensorSpec> change = new ArrayList<>();
      List<TensorSpec> extra = new ArrayList<>();
      for (StoredTensor tensor : source.tensors()) {
        TensorSpec spec = source.spec(tensor.name());
        if (tensor.type() != TensorType.F32) {
          throw new IOException(
              file + ": " + tensor.name() + ": dtype " + tensor.type() + " (expected: F32)");
        }
        (tensor.name().startsWith(EXTRA) ? extra : change).add(spec);
      }
      layout.requireSame(new AdapterLayout(change));
      return new UpdateFile(source, layout, List.copyOf(extra));
    } catch (IOException | RuntimeException e) {
      source.close();
      throw e;
    }
  }

  /** Returns the layout of the change. */
  public AdapterLayout layout() {
    return layout;
  }

  /** Maps the change: it takes no heap, and stays valid after this is closed. */
  public AdapterDelta delta() throws IOException {
    Map<String, FloatBuffer> values = source.mapAllFloats();
    return AdapterDelta.of(
        layout, layout.tensors().stream().map(tensor -> values.get(tensor.name())).toList());
  }

  /** Maps the further tensors. */
  public NamedTensors extra() throws IOException {
    NamedTensors tensors = NamedTensors.none();
    if (!extra.isEmpty()) {
      Map<String, FloatBuffer> values = new HashMap<>(source.mapAllFloats());
      for (TensorSpec spec : extra) {
        FloatBuffer of = values.get(spec.name());
        if (of != null) {
          tensors = tensors.with(spec.name().substring(EXTRA.length()), spec.shape(), of);
        }
      }
    }
    return tensors;
  }

  /**
   * Copies values of a tensor of the change.
   *
   * @param tensor the tensor's index in the layout
   * @param from the first value
   * @param out is filled, from its position to its limit
   */
  public void read(int tensor, long from, FloatBuffer out) throws IOException {
    source.copyFloats(layout.tensors().get(tensor).name(), from, out);
  }

  /**
   * Checks that every value is a number.
   *
   * @throws IllegalArgumentException naming the first tensor, index and value that is not finite
   */
  public void requireFinite() throws IOException {
    List<TensorSpec> all = new ArrayList<>(layout.tensors());
    all.addAll(extra);
    float[] part = new float[1 << 14];
    for (TensorSpec spec : all) {
      for (int from = 0; from < spec.elements(); from += part.length) {
        int count = Math.min(part.length, spec.elements() - from);
        source.copyFloats(spec.name(), from, FloatBuffer.wrap(part, 0, count));
        for (int i = 0; i < count; i++) {
          if (!Float.isFinite(part[i])) {
            throw new IllegalArgumentException(
                spec.name() + "[" + (from + i) + "]: " + part[i] + " (expected: a finite number)");
          }
        }
      }
    }
  }

  /**
   * Checks that groups of further tensors are there, each with the shapes of a layout.
   *
   * @throws IllegalArgumentException naming the first tensor that is missing or differs
   */
  public void requireGroups(List<String> groups, AdapterLayout shapes) {
    for (String group : groups) {
      for (TensorSpec of : shapes.tensors()) {
        TensorSpec expected = new TensorSpec(EXTRA + group + "/" + of.name(), of.shape());
        if (!extra.contains(expected)) {
          throw new IllegalArgumentException(
              expected.name() + ": missing (expected: shape " + of.shape() + ")");
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
