package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;

/** Golden cases whose quantisation states lie in a file of their own. */
public final class GoldenModels {

  private static final String STATES = "nf4_states.safetensors";

  private GoldenModels() {}

  private static List<LinearSpec> quantized(Path folder, SafetensorsFile states)
      throws IOException {
    List<LinearSpec> specs =
        ModelConfig.read(folder).linearLayers().stream()
            .filter(spec -> states.find(spec.name() + ".packed") != null)
            .toList();
    assertThat(specs).isNotEmpty();
    return specs;
  }

  private static Scales.Nested scales(SafetensorsFile states, String name) throws IOException {
    ByteBuffer stored = states.read(name + ".absmax_u8");
    byte[] codes = new byte[stored.remaining()];
    stored.get(codes);
    return new Scales.Nested(
        codes,
        states.floats(name + ".nested_absmax").array(),
        DynamicMap.SIGNED,
        states.floats(name + ".offset").get(0));
  }

  /** Writes the case as a bitsandbytes checkpoint with exactly the stored states. */
  public static Path withStoredStates(Path folder, Path target) throws IOException {
    Path out = target.resolve(folder.getFileName());
    try (SafetensorsFile model = SafetensorsFile.open(folder.resolve("model.safetensors"));
        SafetensorsFile states = SafetensorsFile.open(folder.resolve(STATES))) {
      List<LinearSpec> specs = quantized(folder, states);
      List<StoredTensor> tensors = new ArrayList<>();
      List<StoredTensor> plain = new ArrayList<>();
      for (StoredTensor tensor : model.tensors()) {
        if (specs.stream().noneMatch(spec -> tensor.name().equals(spec.name() + ".weight"))) {
          plain.add(tensor);
        }
      }
      tensors.addAll(plain);
      specs.forEach(spec -> tensors.addAll(BitsAndBytes.tensors(spec)));
      try (SafetensorsWriter writer =
          SafetensorsWriter.create(out.resolve("model.safetensors"), tensors, Map.of())) {
        for (StoredTensor tensor : plain) {
          writer.write(tensor.name(), model.map(tensor.name()));
        }
        for (LinearSpec spec : specs) {
          BitsAndBytes.write(
              writer,
              spec,
              new Nf4Weight(
                  states.map(spec.name() + ".packed"),
                  scales(states, spec.name()),
                  spec.outputs(),
                  spec.inputs()),
              "float32");
        }
        writer.finish();
      }
    }
    Files.copy(folder.resolve(ModelConfig.FILE), out.resolve(ModelConfig.FILE));
    return out;
  }

  /** Quantises the case's full-precision weights, and compares with the stored states. */
  public static void assertQuantizedLikeStored(Path folder) throws IOException {
    try (SafetensorsFile model = SafetensorsFile.open(folder.resolve("model.safetensors"));
        SafetensorsFile states = SafetensorsFile.open(folder.resolve(STATES))) {
      for (LinearSpec spec : quantized(folder, states)) {
        FloatBuffer weight = model.floats(spec.name() + ".weight");
        Nf4Quantizer.Source source =
            (first, out) -> out.put(weight.slice((int) first, out.remaining()));
        Nf4Weight single =
            new Nf4Quantizer().quantize(source, spec.outputs(), spec.inputs(), false);
        assertThat(single.packed()).as(spec.name()).isEqualTo(states.map(spec.name() + ".packed"));

        Scales.Nested stored = scales(states, spec.name());
        float[] absmax = states.floats(spec.name() + ".absmax_f32").array();
        Scales.Nested ours =
            (Scales.Nested)
                new Nf4Quantizer().quantize(source, spec.outputs(), spec.inputs(), true).scales();
        for (int block = 0; block < absmax.length; block++) {
          assertThat(stored.get(block))
              .as("%s: decoded scale %d", spec.name(), block)
              .isCloseTo(absmax[block], within(1e-7f));
          assertThat(ours.codes()[block] & 0xff)
              .as("%s: code of scale %d", spec.name(), block)
              .isCloseTo(stored.codes()[block] & 0xff, within(1));
        }
        float[] expected = states.floats(spec.name() + ".dequant").array();
        float[] decoded =
            new Nf4Weight(
                    states.map(spec.name() + ".packed"), stored, spec.outputs(), spec.inputs())
                .decode();
        for (int i = 0; i < expected.length; i++) {
          assertThat(decoded[i])
              .as("%s: value %d", spec.name(), i)
              .isCloseTo(expected[i], within(1e-7f));
        }
      }
    }
  }
}
