package org.edgefit.format.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import org.edgefit.file.Sha256;
import org.edgefit.format.gguf.GgufBytes;
import org.edgefit.format.safetensors.HalfFloat;
import org.edgefit.format.safetensors.StoredTensor;
import org.edgefit.format.safetensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model of one block with 2 heads of 4 over one of keys, as llama.cpp keeps it. */
class GgufShapesTest {

  private static final int F16 = 1;

  @TempDir private Path temp;

  private static float[] sequence(int values, float first) {
    float[] sequence = new float[values];
    for (int i = 0; i < values; i++) {
      sequence[i] = first + i;
    }
    return sequence;
  }

  /** The metadata of a model, without its tensors. */
  private static GgufBytes shape(String architecture) {
    return new GgufBytes()
        .string("general.architecture", architecture)
        .integer(architecture + ".embedding_length", 8)
        .integer(architecture + ".block_count", 1)
        .integer(architecture + ".feed_forward_length", 4)
        .integer(architecture + ".attention.head_count", 2)
        .integer(architecture + ".attention.head_count_kv", 1)
        .integer(architecture + ".context_length", 64)
        .key(architecture + ".attention.layer_norm_rms_epsilon", GgufBytes.FLOAT32, 1e-6f);
  }

  private static GgufBytes llama() {
    return shape("llama")
        .floats("token_embd.weight", List.of(8, 6), sequence(48, 0))
        .floats("output_norm.weight", List.of(8), sequence(8, 100))
        .floats("blk.0.attn_q.weight", List.of(8, 8), sequence(64, 200))
        .floats("blk.0.attn_k.weight", List.of(8, 4), sequence(32, 300))
        .floats("blk.0.attn_v.weight", List.of(8, 4), sequence(32, 400));
  }

  private GgufModel open(GgufBytes bytes) throws IOException {
    return GgufModel.open(bytes.write(temp.resolve("m.gguf")));
  }

  private static float[] read(GgufModel model, String name, int from, int count)
      throws IOException {
    FloatBuffer out = FloatBuffer.allocate(count);
    model.copyFloats(name, from, out);
    return out.array();
  }

  @Test
  void shapeIsReadFromTheMetadata() throws IOException {
    try (GgufModel model =
        open(
            llama()
                .integer("tokenizer.ggml.bos_token_id", 1)
                .integer("tokenizer.ggml.eos_token_id", 2)
                .integer("tokenizer.ggml.eot_token_id", 5))) {
      ModelConfig config = model.config();
      assertThat(config.modelType()).isEqualTo("llama");
      assertThat(config.hiddenSize()).isEqualTo(8);
      assertThat(config.layers()).isEqualTo(1);
      assertThat(config.intermediateSize()).isEqualTo(4);
      assertThat(config.heads()).isEqualTo(2);
      assertThat(config.keyValueHeads()).isEqualTo(1);
      assertThat(config.headSize()).isEqualTo(4);
      assertThat(config.vocabularySize()).isEqualTo(6);
      assertThat(config.maxPositions()).isEqualTo(64);
      assertThat(config.rmsNormEps()).isEqualTo(1e-6); // not the float that is nearest to it
      assertThat(config.tiedEmbeddings()).isTrue();
      assertThat(config.bosTokenId()).isEqualTo(1);
      assertThat(config.eosTokenIds()).containsExactlyInAnyOrder(2, 5);
      assertThat(config.windows()).containsExactly(0);
      assertThat(config.fused()).isFalse();
      assertThat(config.biases()).isEmpty();
      assertThat(config.rope()).isEqualTo(new RopeConfig(10_000, 4, new RopeConfig.Unscaled()));
      assertThat(ModelConfig.read(temp.resolve("m.gguf"))).isEqualTo(config);
    }
    assertThat(GgufModel.isGguf(temp.resolve("m.gguf"))).isTrue();
    assertThat(GgufModel.isGguf(temp)).isFalse();
    assertThat(BaseWeights.exist(temp.resolve("m.gguf"))).isTrue();
    assertThat(BaseWeights.exist(temp)).isFalse();
  }

  @Test
  void tensorsHaveTheNamesOfTransformers() throws IOException {
    GgufBytes bytes =
        llama()
            .floats("output.weight", List.of(8, 6), sequence(48, 0))
            .floats("blk.0.attn_norm.weight", List.of(8), sequence(8, 0))
            .floats("blk.0.ffn_norm.weight", List.of(8), sequence(8, 0))
            .floats("blk.0.attn_output.weight", List.of(8, 8), sequence(64, 0))
            .floats("blk.0.ffn_gate.weight", List.of(8, 4), sequence(32, 0))
            .floats("blk.0.ffn_up.weight", List.of(8, 4), sequence(32, 0))
            .floats("blk.0.ffn_down.weight", List.of(4, 8), sequence(32, 0))
            .floats("something.else", List.of(1), 0);
    try (GgufModel model = open(bytes)) {
      assertThat(model.names())
          .containsExactly(
              "lm_head.weight",
              "model.embed_tokens.weight",
              "model.layers.0.input_layernorm.weight",
              "model.layers.0.mlp.down_proj.weight",
              "model.layers.0.mlp.gate_proj.weight",
              "model.layers.0.mlp.up_proj.weight",
              "model.layers.0.post_attention_layernorm.weight",
              "model.layers.0.self_attn.k_proj.weight",
              "model.layers.0.self_attn.o_proj.weight",
              "model.layers.0.self_attn.q_proj.weight",
              "model.layers.0.self_attn.v_proj.weight",
              "model.norm.weight",
              "something.else");
      assertThat(model.config().tiedEmbeddings()).isFalse();
      assertThat(model.where("lm_head.weight"))
          .isEqualTo(temp.resolve("m.gguf") + ": output.weight");
      assertThat(model.tensor("model.layers.0.mlp.down_proj.weight"))
          .isEqualTo(
              new StoredTensor(
                  "model.layers.0.mlp.down_proj.weight", TensorType.F32, List.of(8L, 4L)));
      assertThatThrownBy(() -> model.tensor("none"))
          .hasMessage(temp.resolve("m.gguf") + ": none: no such tensor");
    }
  }

  /** llama.cpp lets the halves of a query's and a key's head take turns. */
  @Test
  void rowsOfQueriesAndKeysAreBroughtIntoTheirOrder() throws IOException {
    try (GgufModel model = open(llama())) {
      float[] q = read(model, "model.layers.0.self_attn.q_proj.weight", 0, 64);
      for (int head = 0; head < 2; head++) {
        for (int half = 0; half < 2; half++) {
          for (int i = 0; i < 2; i++) {
            int row = head * 4 + half * 2 + i;
            int source = head * 4 + 2 * i + half;
            for (int column = 0; column < 8; column++) {
              assertThat(q[row * 8 + column]).isEqualTo(200 + source * 8 + column);
            }
          }
        }
      }
      float[] k = read(model, "model.layers.0.self_attn.k_proj.weight", 0, 32);
      assertThat(k[8]).isEqualTo(300 + 2 * 8);
      assertThat(k[16]).isEqualTo(300 + 8);
      assertThat(read(model, "model.layers.0.self_attn.v_proj.weight", 0, 32))
          .containsExactly(sequence(32, 400));
    }
  }

  @Test
  void anyPartOfATensorIsRead() throws IOException {
    try (GgufModel model = open(llama())) {
      for (String name :
          List.of("model.layers.0.self_attn.q_proj.weight", "model.embed_tokens.weight")) {
        float[] all = read(model, name, 0, 48);
        for (int from = 0; from < 48; from++) {
          int count = Math.min(11, 48 - from);
          assertThat(read(model, name, from, count))
              .containsExactly(java.util.Arrays.copyOfRange(all, from, from + count));
        }
      }
    }
  }

  @Test
  void biasesOfQwenAreFound() throws IOException {
    GgufBytes bytes =
        shape("qwen2")
            .floats("token_embd.weight", List.of(8, 6), sequence(48, 0))
            .floats("blk.0.attn_q.weight", List.of(8, 8), sequence(64, 0))
            .floats("blk.0.attn_q.bias", List.of(8), sequence(8, 0))
            .floats("blk.0.attn_k.bias", List.of(4), sequence(4, 0));
    try (GgufModel model = open(bytes)) {
      assertThat(model.config().biases()).containsExactlyInAnyOrder("q_proj", "k_proj");
      assertThat(read(model, "model.layers.0.self_attn.q_proj.weight", 0, 64))
          .containsExactly(sequence(64, 0)); // only llama's rows are turned
    }
  }

  @Test
  void biasOfALlamasQueriesIsTurnedToo() throws IOException {
    try (GgufModel model = open(llama().floats("blk.0.attn_q.bias", List.of(8), sequence(8, 0)))) {
      assertThat(read(model, "model.layers.0.self_attn.q_proj.bias", 0, 8))
          .containsExactly(0, 2, 1, 3, 4, 6, 5, 7);
    }
  }

  @Test
  void phi3IsFusedAndHasAWindow() throws IOException {
    GgufBytes bytes =
        shape("phi3")
            .integer("phi3.attention.sliding_window", 32)
            .integer("phi3.rope.dimension_count", 2)
            .integer("phi3.rope.scaling.original_context_length", 16)
            .key("phi3.rope.scaling.attn_factor", GgufBytes.FLOAT32, 1.2f)
            .floats("token_embd.weight", List.of(8, 6), sequence(48, 0))
            .floats("rope_factors_short.weight", List.of(1), 1.5f)
            .floats("rope_factors_long.weight", List.of(1), 4)
            .floats("blk.0.attn_qkv.weight", List.of(8, 16), sequence(128, 0))
            .floats("blk.0.ffn_up.weight", List.of(8, 8), sequence(64, 0));
    try (GgufModel model = open(bytes)) {
      assertThat(model.config().fused()).isTrue();
      assertThat(model.config().windows()).containsExactly(32);
      assertThat(model.names())
          .contains(
              "model.layers.0.mlp.gate_up_proj.weight", "model.layers.0.self_attn.qkv_proj.weight")
          .doesNotContain("rope_factors_short.weight");
      assertThat(model.config().rope())
          .isEqualTo(
              new RopeConfig(
                  10_000, 2, new RopeConfig.LongRope(List.of(1.5), List.of(4.0), 16, 1.2)));
    }
  }

  @Test
  void scalingOfRopeIsReadInEachSpelling() throws IOException {
    try (GgufModel model = open(llama().floats("rope_freqs.weight", List.of(2), 1, 8))) {
      List<Double> factors = List.of(1.0, 8.0);
      assertThat(model.config().rope().scaling())
          .isEqualTo(new RopeConfig.LongRope(factors, factors, 64, 1));
    }
    try (GgufModel model = open(llama().key("llama.rope.scaling.factor", GgufBytes.FLOAT32, 4f))) {
      assertThat(model.config().rope().scaling()).isEqualTo(new RopeConfig.Linear(4));
    }
    try (GgufModel model = open(llama().key("llama.rope.scale_linear", GgufBytes.FLOAT32, 2f))) {
      assertThat(model.config().rope().scaling()).isEqualTo(new RopeConfig.Linear(2));
    }
    try (GgufModel model =
        open(
            llama()
                .string("llama.rope.scaling.type", "none")
                .key("llama.rope.freq_base", GgufBytes.FLOAT32, 500_000f))) {
      assertThat(model.config().rope())
          .isEqualTo(new RopeConfig(500_000, 4, new RopeConfig.Unscaled()));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "general.architecture | gemma | general.architecture: gemma (expected: one of llama, phi3",
        "llama.rope.scaling.type | yarn | llama.rope.scaling.type: yarn (expected: none or linear)",
      })
  void whatIsNotSupportedIsRefusedByKey(String key, String value, String message) {
    GgufBytes bytes =
        key.equals("general.architecture")
            ? new GgufBytes().string(key, value)
            : llama().string(key, value);
    assertThatThrownBy(() -> open(bytes))
        .hasMessageStartingWith(temp.resolve("m.gguf") + ": " + message);
  }

  @Test
  void shapeThatCannotBeIsRefused() {
    assertThatThrownBy(() -> open(llama().integer("llama.expert_count", 8)))
        .hasMessageEndingWith("llama.expert_count: 8 (expected: 0)");
    assertThatThrownBy(() -> open(shape("llama")))
        .hasMessageEndingWith("m.gguf: token_embd.weight: no such tensor");
    assertThatThrownBy(
            () ->
                open(
                    new GgufBytes()
                        .string("general.architecture", "llama")
                        .integer("llama.embedding_length", 8)
                        .integer("llama.block_count", 0)
                        .integer("llama.attention.head_count", 2)))
        .hasMessageEndingWith("llama.block_count: 0 (expected: 1 to 4096)");
    assertThatThrownBy(
            () ->
                open(
                    new GgufBytes()
                        .string("general.architecture", "llama")
                        .integer("llama.embedding_length", 8)
                        .integer("llama.block_count", 1)
                        .integer("llama.attention.head_count", 0)))
        .hasMessageEndingWith("llama.attention.head_count: 0 (expected: 1 to 4096)");
    assertThatThrownBy(
            () ->
                open(
                    shape("phi3")
                        .floats("token_embd.weight", List.of(8, 6), sequence(48, 0))
                        .floats("rope_factors_short.weight", List.of(2), 1, 1)))
        .hasMessageEndingWith("rope_factors_long.weight: no such tensor");
  }

  @Test
  void bytesAreThoseOfTheTypeThatIsTold() throws IOException {
    Path path = temp.resolve("m.gguf");
    byte[] whole = llama().bytes();
    Files.write(path, whole);
    try (GgufModel model = GgufModel.open(path)) {
      ByteBuffer bytes = ByteBuffer.allocate(8 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      model.copyBytes("model.norm.weight", bytes);
      assertThat(bytes.flip().asFloatBuffer().get(7)).isEqualTo(107);
      MessageDigest digest = Sha256.digest();
      model.digest("model.norm.weight", digest);
      MessageDigest expected = Sha256.digest();
      expected.update(bytes.array());
      assertThat(Sha256.hex(digest)).isEqualTo(Sha256.hex(expected));
    }
  }

  @Test
  void halvesStayHalvesAndQuantisedValuesBecomeBfloat16() throws IOException {
    GgufBytes bytes =
        llama()
            .data("half.weight", List.of(2), F16, new byte[] {0x00, 0x3c, 0x00, (byte) 0xc0})
            .data("q8.weight", List.of(32), 8, q8());
    try (GgufModel model = open(bytes)) {
      assertThat(model.tensor("half.weight").type()).isEqualTo(TensorType.F16);
      assertThat(read(model, "half.weight", 0, 2)).containsExactly(1, -2);
      ByteBuffer half = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      model.copyBytes("half.weight", half);
      assertThat(half.array()).containsExactly(0x00, 0x3c, 0x00, 0xc0);
      assertThat(model.tensor("q8.weight").type()).isEqualTo(TensorType.BF16);
      assertThat(read(model, "q8.weight", 0, 32)[31]).isEqualTo(0.5f * 31);
      ByteBuffer wide = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
      model.copyBytes("q8.weight", wide);
      assertThat(wide.getShort(62)).isEqualTo(HalfFloat.toBfloat16(15.5f));
    }
  }

  /** A block of Q8_0: a scale of 0.5 in half precision, and 32 integers. */
  private static byte[] q8() {
    byte[] block = new byte[34];
    block[1] = 0x38;
    for (int i = 0; i < 32; i++) {
      block[2 + i] = (byte) i;
    }
    return block;
  }
}
