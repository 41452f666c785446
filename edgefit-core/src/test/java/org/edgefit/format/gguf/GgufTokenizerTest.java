package org.edgefit.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.file.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GgufTokenizerTest {

  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int BYTE = 6;

  @TempDir private Path temp;

  private GgufTokenizer read(GgufBytes bytes) throws IOException {
    return GgufTokenizer.read(bytes.write(temp.resolve("t.gguf")));
  }

  private JsonNode json(GgufBytes bytes) throws IOException {
    return Json.parse(read(bytes).toJson(), "tokenizer");
  }

  private static GgufBytes byteLevel(String pre) {
    return new GgufBytes()
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", pre)
        .list("tokenizer.ggml.tokens", GgufBytes.STRING, List.of("a", "b", "ab", "<|im_end|>"))
        .list(
            "tokenizer.ggml.token_type", GgufBytes.INT32, List.of(NORMAL, NORMAL, NORMAL, CONTROL))
        .list("tokenizer.ggml.merges", GgufBytes.STRING, List.of("a b"))
        .integer("tokenizer.ggml.bos_token_id", 0)
        .integer("tokenizer.ggml.eos_token_id", 3);
  }

  private static GgufBytes sentencePiece(List<Double> scores) {
    return new GgufBytes()
        .string("tokenizer.ggml.model", "llama")
        .list(
            "tokenizer.ggml.tokens",
            GgufBytes.STRING,
            List.of("<unk>", "<s>", "<0x0A>", "a", "b", "c", "ab", "bc", "abc"))
        .list(
            "tokenizer.ggml.token_type",
            GgufBytes.INT32,
            List.of(UNKNOWN, CONTROL, BYTE, NORMAL, NORMAL, NORMAL, NORMAL, NORMAL, NORMAL))
        .list("tokenizer.ggml.scores", GgufBytes.FLOAT32, scores);
  }

  private static List<String> merges(JsonNode json) {
    List<String> merges = new ArrayList<>();
    json.at("/model/merges")
        .forEach(merge -> merges.add(merge.path(0).asText() + "+" + merge.path(1).asText()));
    return merges;
  }

  private static List<String> types(JsonNode steps) {
    List<String> types = new ArrayList<>();
    steps.forEach(step -> types.add(step.path("type").asText()));
    return types;
  }

  @Test
  void byteLevelTokenizerHasItsVocabularyAndMerges() throws IOException {
    JsonNode json = json(byteLevel("smollm"));
    assertThat(json.at("/model/type").asText()).isEqualTo("BPE");
    assertThat(json.at("/model/vocab/ab").asInt()).isEqualTo(2);
    assertThat(json.at("/model/vocab").size()).isEqualTo(4);
    assertThat(merges(json)).containsExactly("a+b");
    assertThat(json.at("/model/byte_fallback").asBoolean()).isFalse();
    assertThat(json.at("/decoder/type").asText()).isEqualTo("ByteLevel");
    assertThat(json.at("/added_tokens").size()).isEqualTo(1);
    assertThat(json.at("/added_tokens/0/content").asText()).isEqualTo("<|im_end|>");
    assertThat(json.at("/added_tokens/0/id").asInt()).isEqualTo(3);
    assertThat(json.at("/added_tokens/0/special").asBoolean()).isTrue();
    assertThat(json.at("/added_tokens/0/rstrip").asBoolean()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "gpt-2, 'ByteLevel', false",
    "gpt2, 'ByteLevel', false",
    "smollm, 'Digits ByteLevel', false",
    "starcoder, 'Digits ByteLevel', false",
    "llama-bpe, 'Split ByteLevel', true",
    "llama3, 'Split ByteLevel', true",
    "qwen2, 'Split ByteLevel', false",
    "default, 'Split Split Split Split ByteLevel', false",
  })
  void textIsCutAsTheModelsTokenizerCutsIt(String pre, String steps, boolean ignoreMerges)
      throws IOException {
    JsonNode json = json(byteLevel(pre));
    assertThat(String.join(" ", types(json.at("/pre_tokenizer/pretokenizers")))).isEqualTo(steps);
    assertThat(json.at("/model/ignore_merges").asBoolean()).isEqualTo(ignoreMerges);
  }

  @Test
  void digitsOfQwenAreTokensOfTheirOwnAndThoseOfLlamaByThree() throws IOException {
    String path = "/pre_tokenizer/pretokenizers/0/pattern/Regex";
    assertThat(json(byteLevel("qwen2")).at(path).asText())
        .contains("|\\p{N}|")
        .doesNotContain("{1,3}");
    assertThat(json(byteLevel("llama-bpe")).at(path).asText()).contains("|\\p{N}{1,3}|");
  }

  @Test
  void tokensThatBeginAndEndATextAreNamed() throws IOException {
    GgufTokenizer tokenizer =
        read(byteLevel("gpt-2").string("tokenizer.chat_template", "{{ messages }}"));
    assertThat(tokenizer.bosToken()).isEqualTo("a");
    assertThat(tokenizer.eosToken()).isEqualTo("<|im_end|>");
    assertThat(tokenizer.chatTemplate()).isEqualTo("{{ messages }}");
    GgufTokenizer without =
        read(sentencePiece(List.of()).integer("tokenizer.ggml.eos_token_id", 99));
    assertThat(without.bosToken()).isEmpty();
    assertThat(without.eosToken()).isEmpty();
    assertThat(without.chatTemplate()).isEmpty();
  }

  /** The best score comes first, among equals the longer left part, then the longer right one. */
  @Test
  void mergesFollowTheScores() throws IOException {
    List<Double> scores = List.of(0.0, 0.0, 0.0, -9.0, -9.0, -9.0, -2.0, -1.0, -1.0);
    assertThat(merges(json(sentencePiece(scores)))).containsExactly("ab+c", "a+bc", "b+c", "a+b");
  }

  @Test
  void withoutScoresTheOrderOfTheVocabularyCounts() throws IOException {
    assertThat(merges(json(sentencePiece(List.of()))))
        .containsExactly("a+b", "b+c", "ab+c", "a+bc");
  }

  @Test
  void sentencePieceReplacesSpacesAndFallsBackToBytes() throws IOException {
    JsonNode json = json(sentencePiece(List.of()));
    assertThat(types(json.at("/normalizer/normalizers"))).containsExactly("Prepend", "Replace");
    assertThat(types(json.at("/decoder/decoders")))
        .containsExactly("Replace", "ByteFallback", "Fuse", "Strip");
    assertThat(json.at("/model/byte_fallback").asBoolean()).isTrue();
    assertThat(json.at("/model/unk_token").asText()).isEqualTo("<unk>");
    assertThat(json.at("/added_tokens").size()).isEqualTo(2);

    JsonNode noPrefix =
        json(
            sentencePiece(List.of())
                .key("tokenizer.ggml.add_space_prefix", GgufBytes.BOOL, false)
                .integer("tokenizer.ggml.unknown_token_id", 1));
    assertThat(types(noPrefix.at("/normalizer/normalizers"))).containsExactly("Replace");
    assertThat(types(noPrefix.at("/decoder/decoders")))
        .containsExactly("Replace", "ByteFallback", "Fuse");
    assertThat(noPrefix.at("/model/unk_token").asText()).isEqualTo("<s>");
  }

  /** Phi-3's added tokens take the white space after them, which its GGUF files do not say. */
  @Test
  void addedTokensOfPhi3TakeTheSpaceAfterThem() throws IOException {
    GgufBytes bytes =
        new GgufBytes()
            .string("general.architecture", "phi3")
            .string("tokenizer.ggml.model", "llama")
            .list(
                "tokenizer.ggml.tokens",
                GgufBytes.STRING,
                List.of("<unk>", "<s>", "<|end|>", "<|user|>"))
            .list(
                "tokenizer.ggml.token_type",
                GgufBytes.INT32,
                List.of(UNKNOWN, CONTROL, CONTROL, USER_DEFINED));
    JsonNode added = json(bytes).at("/added_tokens");
    List<Boolean> strips = new ArrayList<>();
    List<Boolean> specials = new ArrayList<>();
    added.forEach(token -> strips.add(token.path("rstrip").asBoolean()));
    added.forEach(token -> specials.add(token.path("special").asBoolean()));
    assertThat(strips).containsExactly(false, false, true, true);
    assertThat(specials).containsExactly(true, true, true, false);
  }

  @Test
  void tokenizerThatIsMissingOrUnknownIsRefused() {
    assertThatThrownBy(() -> read(new GgufBytes()))
        .hasMessageEndingWith("tokenizer.ggml.tokens: missing (expected: a tokenizer in the file)");
    assertThatThrownBy(
            () ->
                read(
                    new GgufBytes()
                        .list("tokenizer.ggml.tokens", GgufBytes.STRING, List.of("a", "b"))
                        .list("tokenizer.ggml.token_type", GgufBytes.INT32, List.of(1))))
        .hasMessageEndingWith(
            "tokenizer.ggml.token_type: a list of 1 (expected: one for each of 2 tokens)");
    assertThatThrownBy(
            () ->
                json(
                    new GgufBytes()
                        .string("tokenizer.ggml.model", "t5")
                        .list("tokenizer.ggml.tokens", GgufBytes.STRING, List.of("a"))))
        .hasMessageEndingWith("tokenizer.ggml.model: t5 (expected: gpt2 or llama)");
    assertThatThrownBy(() -> json(byteLevel("falcon")))
        .hasMessageEndingWith(
            "tokenizer.ggml.pre: falcon (expected: one of default, gpt-2, llama-bpe, qwen2,"
                + " smollm)");
    assertThatThrownBy(
            () ->
                json(
                    new GgufBytes()
                        .string("tokenizer.ggml.model", "gpt2")
                        .list("tokenizer.ggml.tokens", GgufBytes.STRING, List.of("a"))
                        .list("tokenizer.ggml.merges", GgufBytes.STRING, List.of("ab"))))
        .hasMessageEndingWith("tokenizer.ggml.merges: ab");
  }
}
