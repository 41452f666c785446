package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.edgefit.data.Example;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.InstructionRecord;
import org.edgefit.data.PromptTemplate;
import org.edgefit.data.SpecialTokens;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelTokenizerTest {

  private static final Path TINY_HOME =
      Path.of("../examples/src/main/resources/org/edgefit/examples/tiny-home");
  private static final InstructionRecord RECORD =
      new InstructionRecord("Is the garage door open?", null, "Yes, since 7:05.", null, null);

  @TempDir Path temp;

  private static Example encode(ModelTokenizer tokenizer, PromptTemplate template, int maxLength) {
    return new ExampleEncoder(tokenizer, template, maxLength, true)
        .encode(new InstructionDataset(List.of(RECORD)))
        .examples()
        .get(0);
  }

  private static String labelled(ModelTokenizer tokenizer, Example example) {
    int[] ids = new int[example.labelTokens()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = example.id(example.labelStart() + i);
    }
    return tokenizer.decode(ids);
  }

  @Test
  void ownTemplateIsFoundAndTheAnswerAloneIsLabelled() throws IOException {
    try (ModelTokenizer tokenizer = ModelTokenizer.load(TINY_HOME)) {
      PromptTemplate template = tokenizer.template("auto");
      assertThat(template.apply(RECORD, tokenizer.specialTokens()).text())
          .isEqualTo("<s>[INST] Is the garage door open? [/INST] Yes, since 7:05.</s>");
      Example example = encode(tokenizer, template, 100);
      assertThat(example.id(0)).isEqualTo(1);
      assertThat(example.id(example.length() - 1)).isEqualTo(2);
      assertThat(labelled(tokenizer, example)).isEqualTo(" Yes, since 7:05.");
      assertThat(tokenizer.decode(example.ids()))
          .isEqualTo("[INST] Is the garage door open? [/INST] Yes, since 7:05.");
    }
  }

  @Test
  void longQuestionLosesItsEnd() throws IOException {
    try (ModelTokenizer tokenizer = ModelTokenizer.load(TINY_HOME)) {
      PromptTemplate template = tokenizer.template("auto");
      int whole = encode(tokenizer, template, 100).length();
      Example cut = encode(tokenizer, template, whole - 2);
      assertThat(cut.length()).isEqualTo(whole - 2);
      assertThat(labelled(tokenizer, cut)).isEqualTo(" Yes, since 7:05.");
      assertThat(tokenizer.decode(cut.ids()))
          .startsWith("[INST] Is the garage")
          .doesNotContain("open?")
          .contains("[/INST]");
    }
  }

  @Test
  void answersToOneQuestionAreCutAlike() throws IOException {
    try (ModelTokenizer tokenizer = ModelTokenizer.load(TINY_HOME)) {
      ExampleEncoder encoder = new ExampleEncoder(tokenizer, tokenizer.template("auto"), 20, true);
      List<Example> examples =
          encoder.encode(RECORD, List.of(" Yes", " It has been open since this morning"));
      assertThat(examples).isNotNull();
      Example shorter = examples.get(0);
      Example longer = examples.get(1);
      assertThat(longer.length()).isEqualTo(20);
      assertThat(shorter.labelStart()).isEqualTo(longer.labelStart());
      for (int i = 0; i < shorter.labelStart(); i++) {
        assertThat(shorter.id(i)).isEqualTo(longer.id(i));
      }
      assertThat(encoder.openAnswer(RECORD, "s")).isEqualTo(" s");
    }
  }

  private ModelTokenizer tiny(String chatTemplates) throws IOException {
    Files.copy(TINY_HOME.resolve("tokenizer.json"), temp.resolve("tokenizer.json"));
    Files.writeString(
        temp.resolve("tokenizer_config.json"),
        "{\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</s>\"},\"chat_template\":"
            + chatTemplates
            + "}");
    return ModelTokenizer.load(temp);
  }

  private static String text(ModelTokenizer tokenizer, String template) {
    return tokenizer.template(template).apply(RECORD, tokenizer.specialTokens()).text();
  }

  private static String named(String name, String mark) {
    return "{\"name\":\"" + name + "\",\"template\":\"" + form(mark) + "\"}";
  }

  private static String form(String mark) {
    return "{% for m in messages %}" + mark + "{{ m.content }}{% endfor %}{{ eos_token }}";
  }

  @Test
  void namedTemplatesAreChosenByName() throws IOException {
    String list = "[" + named("default", "d:") + "," + named("tool_use", "t:") + "]";
    try (ModelTokenizer tokenizer = tiny(list)) {
      assertThat(text(tokenizer, "auto"))
          .isEqualTo("d:Is the garage door open?d:Yes, since 7:05.</s>");
      assertThat(text(tokenizer, "auto:tool_use")).startsWith("t:Is the");
      assertThatThrownBy(() -> tokenizer.template("auto:rag"))
          .hasMessageContaining("no chat template \"rag\", but default, tool_use");
    }
  }

  @Test
  void templateFileWinsOverTheConfiguration() throws IOException {
    Files.writeString(temp.resolve("chat_template.jinja"), form("new:"));
    Files.createDirectory(temp.resolve("additional_chat_templates"));
    Files.writeString(temp.resolve("additional_chat_templates/tool_use.jinja"), form("tool:"));
    try (ModelTokenizer tokenizer = tiny("\"" + form("old:") + "\"")) {
      assertThat(text(tokenizer, "auto")).startsWith("new:Is the");
      assertThat(text(tokenizer, "auto:tool_use")).startsWith("tool:Is the");
      assertThat(text(tokenizer, form("mine:"))).startsWith("mine:Is the");
      assertThat(text(tokenizer, "chatml")).startsWith("<|im_start|>user");
    }
  }

  @Test
  void templateThatIsNotRenderedIsRefusedByItsPlace() throws IOException {
    try (ModelTokenizer tokenizer = tiny("\"{{ messages | groupby('role') }}\"")) {
      assertThatThrownBy(() -> tokenizer.template("auto"))
          .hasMessageContaining("line 1, column 15: filter \"groupby\" is not supported")
          .hasMessageContaining("set --template")
          .hasMessageContaining(temp.toString());
    }
  }

  @Test
  void checkpointWithoutATemplateAsksForAName() throws IOException {
    try (ModelTokenizer tokenizer = tiny("null")) {
      assertThatThrownBy(() -> tokenizer.template("auto"))
          .hasMessageContaining("no chat template; set --template")
          .hasMessageContaining("chatml");
    }
  }

  private ModelTokenizer shared(String name, String config) throws IOException {
    String data = System.getProperty("edgefit.data", "");
    assumeTrue(!data.isEmpty(), "-Dedgefit.data names no folder");
    Files.copy(Path.of(data, "tokenizers", name, "tokenizer.json"), temp.resolve("tokenizer.json"));
    Files.writeString(temp.resolve("tokenizer_config.json"), config);
    return ModelTokenizer.load(temp);
  }

  @Test
  void llama2sSpecialTokensAreExact() throws IOException {
    try (ModelTokenizer tokenizer =
        shared("llama2-derived", "{\"bos_token\":{\"content\":\"<s>\"},\"eos_token\":\"</s>\"}")) {
      Example example = encode(tokenizer, PromptTemplate.llama2(), 100);
      assertThat(example.ids()).startsWith(1, 518, 25580, 29962); // <s> ▁[ INST ]
      assertThat(example.ids()).endsWith(2).doesNotContain(0);
      assertThat(example.ids()).containsOnlyOnce(1).containsOnlyOnce(2);
      assertThat(labelled(tokenizer, example).strip()).isEqualTo("Yes, since 7:05.");
    }
  }

  @Test
  void phi3sSpecialTokensAreExact() throws IOException {
    try (ModelTokenizer tokenizer = shared("phi-3-mini", "{\"eos_token\":\"<|endoftext|>\"}")) {
      Example example = encode(tokenizer, PromptTemplate.phi3(), 100);
      assertThat(example.id(0)).isEqualTo(32010); // <|user|>
      assertThat(example.ids()).containsSubsequence(32007, 32001).endsWith(32007);
      assertThat(labelled(tokenizer, example).strip()).isEqualTo("Yes, since 7:05.");
    }
  }

  @Test
  void missingTokenizerIsNamed() {
    assertThatThrownBy(() -> ModelTokenizer.load(temp))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tokenizer.json: no such file");
  }

  @Test
  void brokenTokenizerIsNamed() throws IOException {
    Files.writeString(temp.resolve("tokenizer.json"), "{\"model\": 3}");
    assertThatThrownBy(() -> ModelTokenizer.load(temp))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tokenizer.json");
  }

  @Test
  void tokenBeyondTheModelsEmbeddingIsNamedWhereItIsUsed() throws IOException {
    String json = Files.readString(TINY_HOME.resolve("tokenizer.json"));
    String token =
        "{\"id\":4096,\"content\":\"<sensor>\",\"single_word\":false,\"lstrip\":false,"
            + "\"rstrip\":false,\"normalized\":false,\"special\":true},";
    Files.writeString(
        temp.resolve("tokenizer.json"),
        json.replaceFirst("\"added_tokens\":\\s*\\[", "$0" + token));
    try (ModelTokenizer tokenizer = ModelTokenizer.load(temp, 4096)) {
      assertThat(tokenizer.encode("Is it on?").ids()).isNotEmpty();
      assertThatThrownBy(() -> tokenizer.encode("Is <sensor> on?"))
          .hasMessageContaining(
              "tokenizer.json: token \"<sensor>\": its id is 4096 (expected: below 4096");
    }
    try (ModelTokenizer tokenizer = ModelTokenizer.load(temp, 4097)) {
      assertThat(tokenizer.encode("<sensor>").ids()).contains(4096);
    }
  }

  /** Loads the embedded tokenizer with files beside it. */
  private ModelTokenizer beside(Map<String, String> files) throws IOException {
    Files.copy(
        TINY_HOME.resolve("tokenizer.json"),
        temp.resolve("tokenizer.json"),
        StandardCopyOption.REPLACE_EXISTING);
    for (Map.Entry<String, String> file : files.entrySet()) {
      Files.writeString(temp.resolve(file.getKey()), file.getValue().replace('\'', '"'));
    }
    return ModelTokenizer.load(temp);
  }

  @Test
  void declaredTokensAreAddedAsTransformersAddsThem() throws IOException {
    String decoder =
        "'added_tokens_decoder':{'4097':{'content':'<X>','special':true},"
            + "'4096':{'content':'<Y>','special':true}}";
    try (ModelTokenizer tokenizer =
        beside(
            Map.of(
                "tokenizer_config.json",
                "{'eos_token':'<Z>','additional_special_tokens':['<W>']," + decoder + "}"))) {
      assertThat(tokenizer.encode("a<W><X><Y><Z> sensor").ids())
          .containsExactly(67, 4099, 4097, 4096, 4098, 350);
      assertThat(tokenizer.specialTokens().eos()).isEqualTo("<Z>");
      assertThat(tokenizer.specialTexts()).contains("<W>", "<X>", "</s>");
    }
    try (ModelTokenizer tokenizer =
        beside(
            Map.of(
                "tokenizer_config.json",
                "{'eos_token':'<Z>'}",
                "added_tokens.json",
                "{'<X>':4097,'<Y>':4096}"))) {
      assertThat(tokenizer.encode("<X><Y><Z>").ids()).containsExactly(4097, 4096, 4098);
    }
  }

  @Test
  void namesOfTokensAreTakenWhereTransformersTakesThem() throws IOException {
    String map = "{'bos_token':'</s>','eos_token':'<s>'}";
    try (ModelTokenizer tokenizer =
        beside(
            Map.of(
                "tokenizer_config.json",
                "{'bos_token':'<s>','eos_token':'</s>'}",
                "special_tokens_map.json",
                map))) {
      assertThat(tokenizer.specialTokens()).isEqualTo(new SpecialTokens("</s>", "<s>"));
    }
    try (ModelTokenizer tokenizer =
        beside(
            Map.of(
                "tokenizer_config.json",
                "{'bos_token':'<s>','added_tokens_decoder':{}}",
                "special_tokens_map.json",
                map))) {
      assertThat(tokenizer.specialTokens()).isEqualTo(new SpecialTokens("<s>", ""));
    }
    Files.delete(temp.resolve("special_tokens_map.json"));
    try (ModelTokenizer tokenizer =
        beside(Map.of("tokenizer_config.json", "{'tokenizer_class':'Qwen2TokenizerFast'}"))) {
      assertThat(tokenizer.specialTokens()).isEqualTo(new SpecialTokens("", "<|endoftext|>"));
    }
    try (ModelTokenizer tokenizer =
        beside(
            Map.of(
                "tokenizer_config.json",
                "{'image_token':'<unk>','chat_template':{'default':'{{ image_token }}"
                    + "{% for m in messages %}{{ m.content }}{% endfor %}'}}"))) {
      assertThat(tokenizer.template("auto").apply(RECORD, tokenizer.specialTokens()).text())
          .startsWith("<unk>");
    }
    assertThatThrownBy(() -> beside(Map.of("tokenizer_config.json", "{'bos_token':5}")))
        .hasMessageContaining("tokenizer_config.json: bos_token: 5 (expected: a token's text)");
  }
}
