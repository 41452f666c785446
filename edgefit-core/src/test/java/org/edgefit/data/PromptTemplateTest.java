package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromptTemplateTest {

  private static final SpecialTokens LLAMA_TOKENS = new SpecialTokens("<s>", "</s>");

  private static InstructionRecord record(String question, String answer) {
    return new InstructionRecord(question, null, answer, null, null);
  }

  private final InstructionRecord record =
      new InstructionRecord("Turn it on.", "The lamp.", "Done.", null, null);

  @Test
  void llama2() {
    assertThat(PromptTemplate.llama2().apply(record, LLAMA_TOKENS).text())
        .isEqualTo("<s>[INST] Turn it on.\nThe lamp. [/INST] Done. </s>");
  }

  @Test
  void phi3() {
    assertThat(PromptTemplate.phi3().apply(record, LLAMA_TOKENS).text())
        .isEqualTo("<|user|>\nTurn it on.\nThe lamp.<|end|>\n<|assistant|>\nDone.<|end|>");
  }

  @Test
  void chatMl() {
    assertThat(PromptTemplate.chatMl("Be brief.").apply(record, LLAMA_TOKENS).text())
        .isEqualTo(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nTurn it on.\nThe"
                + " lamp.<|im_end|>\n<|im_start|>assistant\nDone.<|im_end|>");
  }

  @Test
  void alpaca() {
    assertThat(PromptTemplate.alpaca().apply(record, LLAMA_TOKENS).text())
        .startsWith("<s>Below is an instruction that describes a task, paired with an input")
        .endsWith(
            "### Instruction:\nTurn it on.\n\n### Input:\nThe lamp.\n\n### Response:\nDone.</s>");
    assertThat(PromptTemplate.alpaca().apply(record("Go.", "Ok."), LLAMA_TOKENS).text())
        .doesNotContain("### Input");
  }

  private static String found(String chatTemplate) {
    return PromptTemplate.fromChatTemplate(chatTemplate)
        .apply(record("q", "a"), LLAMA_TOKENS)
        .text();
  }

  @Test
  void templateIsFoundFromTheModels() {
    String prompt = "{{ bos_token + '[INST] ' + content | trim + ' [/INST]' }}";
    assertThat(found(prompt + "{{ ' ' + c + eos_token }}")).isEqualTo("<s>[INST] q [/INST] a</s>");
    assertThat(found(prompt + "{{ ' ' + c.strip() + ' ' + eos_token }}"))
        .isEqualTo("<s>[INST] q [/INST] a </s>");
    String phi3 = "{{'<|user|>\\n' + c + '<|end|>\\n'}}{{'<|assistant|>' + '\\n' + c}}";
    assertThat(found(phi3)).isEqualTo("<|user|>\nq<|end|>\n<|assistant|>\na<|end|>");
    assertThat(found("{{ bos_token }}" + phi3)).startsWith("<s><|user|>\n");
    assertThat(found("{{'<|im_start|>' + role}}"))
        .isEqualTo("<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>");
  }

  @Test
  void systemMessageOfTheModelsTemplateIsKept() {
    String chatTemplate = "{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}<|im_start|>user";
    assertThat(
            PromptTemplate.fromChatTemplate(chatTemplate)
                .apply(record("q", "a"), LLAMA_TOKENS)
                .opening())
        .isEqualTo("<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{{ '<start_of_turn>' }}",
        "{{'<|user|>' + c + '<|end|>' + '<|assistant|>' + c}}",
        "[INST]{{ content }}[/INST]{{ c + eos }}"
      })
  void unknownTemplateAsksForAName(String chatTemplate) {
    assertThatThrownBy(() -> PromptTemplate.fromChatTemplate(chatTemplate))
        .hasMessageContaining("name a template")
        .hasMessageContaining("chatml");
  }

  @Test
  void unknownNameIsRefused() {
    assertThatThrownBy(() -> PromptTemplate.named("vicuna"))
        .hasMessageContaining("template: vicuna")
        .hasMessageContaining("alpaca");
  }
}
