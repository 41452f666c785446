package org.edgefit.format.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.adapter.TensorSpec;
import org.edgefit.format.gguf.GgufFile;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.RopeConfig;
import org.edgefit.format.safetensors.SafetensorsWriter;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters and changes of them as files: of runs, of the wire, of llama.cpp. */
class UpdateFileTest {

  private static final LoraConfig CONFIG = new LoraConfig(2, 8, 0, List.of("q_proj"));
  private static final AdapterLayout LAYOUT =
      AdapterLayout.of(CONFIG, List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 8, 8)));

  @TempDir private Path temp;

  private static AdapterDelta delta(long seed) {
    Adapter fresh =
        Adapter.initial(
            CONFIG,
            List.of(new LinearSpec("model.layers.0.self_attn.q_proj", 8, 8)),
            new Seed(seed));
    return AdapterDelta.of(LAYOUT, List.of(fresh.tensor(0), fresh.tensor(0)));
  }

  private static float[] floats(FloatBuffer buffer) {
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  @Test
  void changeAndFurtherTensorsAreReadAsTheyWere() throws IOException {
    Path file = temp.resolve("u.safetensors");
    NamedTensors extra =
        NamedTensors.none()
            .with("control", delta(2))
            .with("steps", List.of(), FloatBuffer.wrap(new float[] {7}));
    UpdateFile.write(delta(1), extra, file);
    try (UpdateFile update = UpdateFile.open(file, LAYOUT)) {
      assertThat(update.layout()).isEqualTo(LAYOUT);
      for (int t = 0; t < 2; t++) {
        assertThat(floats(update.delta().tensor(t))).containsExactly(floats(delta(1).tensor(t)));
        assertThat(floats(update.extra().delta("control", LAYOUT).tensor(t)))
            .containsExactly(floats(delta(2).tensor(t)));
      }
      assertThat(update.extra().tensor("steps").get(0)).isEqualTo(7);
      FloatBuffer part = FloatBuffer.allocate(3);
      update.read(1, 5, part);
      assertThat(part.array())
          .containsExactly(
              delta(1).tensor(1).get(5), delta(1).tensor(1).get(6), delta(1).tensor(1).get(7));
      update.requireFinite();
      update.requireGroups(List.of("control"), LAYOUT);
      assertThatThrownBy(() -> update.requireGroups(List.of("momentum"), LAYOUT))
          .hasMessage(
              "extra/momentum/"
                  + LAYOUT.tensors().get(0).name()
                  + ": missing (expected: shape [2, 8])");
      assertThatThrownBy(() -> update.requireGroups(List.of("control"), LAYOUT.withRank(3)))
          .hasMessageEndingWith("missing (expected: shape [3, 8])");
    }
  }

  @Test
  void changeWithoutMoreHasNone() throws IOException {
    Path file = temp.resolve("u.safetensors");
    UpdateFile.write(delta(1), NamedTensors.none(), file);
    try (UpdateFile update = UpdateFile.open(file, LAYOUT)) {
      assertThat(update.extra().isEmpty()).isTrue();
    }
  }

  @Test
  void changeOfAnotherLayoutIsRefused() throws IOException {
    Path file = temp.resolve("u.safetensors");
    UpdateFile.write(delta(1), NamedTensors.none(), file);
    assertThatThrownBy(() -> UpdateFile.open(file, LAYOUT.withRank(1)))
        .hasMessageContaining("shape [2, 8] (expected: [1, 8])");
  }

  @Test
  void tensorOfAnotherTypeIsRefused() throws IOException {
    Path file = temp.resolve("u.safetensors");
    StoredTensor half = new StoredTensor("w", TensorType.F16, List.of(1L));
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, List.of(half), Map.of())) {
      writer.write("w", java.nio.ByteBuffer.allocate(2));
      writer.finish();
    }
    assertThatThrownBy(() -> UpdateFile.open(file, LAYOUT))
        .hasMessage(file + ": w: dtype F16 (expected: F32)");
  }

  /** The check reads a part at a time: a value in any part must be found. */
  @ParameterizedTest
  @CsvSource({"0", "16383", "16384", "40000", "65535"})
  void valueThatIsNoNumberIsNamedWhereverItIs(int at) throws IOException {
    Path file = temp.resolve("u.safetensors");
    FloatBuffer large = FloatBuffer.allocate(1 << 16);
    large.put(at, Float.NEGATIVE_INFINITY);
    UpdateFile.write(delta(1), NamedTensors.none().with("g", List.of(256, 256), large), file);
    try (UpdateFile update = UpdateFile.open(file, LAYOUT)) {
      assertThatThrownBy(update::requireFinite)
          .hasMessage("extra/g[" + at + "]: -Infinity (expected: a finite number)");
    }
  }

  @Test
  void adapterOfARunIsMappedOrRead() throws IOException {
    Path file = temp.resolve("a.safetensors");
    Adapter adapter = Adapter.of(CONFIG, LAYOUT, List.of(delta(1).tensor(0), delta(3).tensor(1)));
    AdapterFile.write(adapter, file);
    assertThat(AdapterFile.layoutOf(file)).isEqualTo(LAYOUT);
    for (Adapter again :
        List.of(AdapterFile.map(file, CONFIG), AdapterFile.readAdapter(file, CONFIG, LAYOUT))) {
      for (int t = 0; t < 2; t++) {
        assertThat(floats(again.tensor(t))).containsExactly(floats(adapter.tensor(t)));
      }
    }
    assertThatThrownBy(() -> AdapterFile.readAdapter(file, CONFIG, LAYOUT.withRank(1)))
        .hasMessageContaining("shape [2, 8] (expected: [1, 8])");
  }

  private static ModelConfig model(String type) {
    return new ModelConfig(
        type,
        8,
        16,
        1,
        2,
        2,
        4,
        10,
        1e-5,
        new RopeConfig(10_000, 4, new RopeConfig.Unscaled()),
        List.of(0),
        false,
        java.util.Set.of(),
        64,
        true,
        1,
        java.util.Set.of(2));
  }

  private static List<Float> read(GgufFile file, String name) throws IOException {
    GgufFile.Tensor tensor = file.tensors().get(name);
    var bytes = GgufFile.buffer((int) tensor.bytes());
    file.read(tensor, 0, bytes);
    List<Float> values = new ArrayList<>();
    FloatBuffer floats = bytes.flip().asFloatBuffer();
    while (floats.hasRemaining()) {
      values.add(floats.get());
    }
    return values;
  }

  /**
   * llama.cpp keeps the two halves of a rotated head one value by the other: row {@code 2 i + h} of
   * a head is what PyTorch has as row {@code h D / 2 + i}.
   */
  @ParameterizedTest
  @CsvSource({"llama, true", "mistral, true", "qwen2, false"})
  void rowsOfQueriesTakeTheOrderOfLlamaCpp(String type, boolean isPermuted) throws IOException {
    float[] b = new float[16];
    for (int row = 0; row < 8; row++) {
      b[2 * row] = row;
      b[2 * row + 1] = -row;
    }
    Adapter adapter =
        Adapter.of(CONFIG, LAYOUT, List.of(FloatBuffer.wrap(new float[16]), FloatBuffer.wrap(b)));
    Path out = temp.resolve("a.gguf");
    GgufAdapter.write(adapter, model(type), out);
    try (GgufFile file = GgufFile.open(out)) {
      assertThat(file.string("general.architecture", ""))
          .isEqualTo(type.equals("mistral") ? "llama" : type);
      assertThat(file.string("general.type", "")).isEqualTo("adapter");
      assertThat(file.string("adapter.type", "")).isEqualTo("lora");
      assertThat(file.number("adapter.lora.alpha", 0)).isEqualTo(8);
      assertThat(file.tensors().keySet())
          .containsExactly("blk.0.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_b");
      assertThat(file.tensors().get("blk.0.attn_q.weight.lora_a").shape()).containsExactly(2L, 8L);
      List<Float> rows = read(file, "blk.0.attn_q.weight.lora_b");
      for (int head = 0; head < 2; head++) {
        for (int i = 0; i < 2; i++) {
          for (int half = 0; half < 2; half++) {
            int plain = head * 4 + half * 2 + i;
            int place = isPermuted ? head * 4 + 2 * i + half : plain;
            assertThat(rows.get(2 * place)).isEqualTo(plain);
            assertThat(rows.get(2 * place + 1)).isEqualTo(-plain);
          }
        }
      }
    }
  }

  /** llama.cpp divides alpha by the rank, whatever the adapter does. */
  @Test
  void scaleOfAStabilisedAdapterIsKept() throws IOException {
    Adapter adapter =
        Adapter.of(
            CONFIG.withRankStabilized(true),
            LAYOUT,
            List.of(delta(1).tensor(0), delta(1).tensor(1)));
    Path out = temp.resolve("a.gguf");
    GgufAdapter.write(adapter, model("llama"), out);
    try (GgufFile file = GgufFile.open(out)) {
      assertThat((float) file.number("adapter.lora.alpha", 0) / 2)
          .isEqualTo((float) (8 / Math.sqrt(2)));
    }
  }

  @Test
  void adapterOfAnotherModelIsRefused() {
    Adapter adapter = Adapter.of(CONFIG, LAYOUT, List.of(delta(1).tensor(0), delta(1).tensor(1)));
    ModelConfig other = ModelConfig.shape("smollm2-135m");
    assertThatThrownBy(() -> GgufAdapter.write(adapter, other, temp.resolve("a.gguf")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lora_A.weight");
    assertThat(temp.resolve("a.gguf")).doesNotExist();
  }

  @Test
  void tensorsMustBeWrittenInTheirOrder() throws IOException {
    Path file = temp.resolve("w.safetensors");
    List<StoredTensor> tensors =
        List.of(
            StoredTensor.f32(new TensorSpec("a", List.of(2))),
            StoredTensor.f32(new TensorSpec("b", List.of(1))));
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, tensors, Map.of())) {
      assertThatThrownBy(() -> writer.write("b", FloatBuffer.allocate(1)))
          .hasMessageStartingWith(file + ": b of 4 bytes (expected: StoredTensor[name=a");
      assertThatThrownBy(() -> writer.write("a", FloatBuffer.allocate(1)))
          .hasMessageStartingWith(file + ": a of 4 bytes (expected: StoredTensor[name=a");
      writer.write("a", FloatBuffer.allocate(2));
      assertThatThrownBy(writer::finish).hasMessage(file + ": b: not written");
      writer.write("b", FloatBuffer.allocate(1));
      assertThatThrownBy(() -> writer.write("c", FloatBuffer.allocate(1)))
          .hasMessage(file + ": c of 4 bytes (expected: null)");
    }
    assertThat(file).doesNotExist();
    List<StoredTensor> twice = List.of(tensors.get(0), tensors.get(0));
    assertThatThrownBy(() -> SafetensorsWriter.create(file, twice, Map.of()))
        .hasMessage(file + ": a: declared twice");
  }
}
