package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

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

  @Test
  void unknownNameIsRefused() {
    assertThatThrownBy(() -> PromptTemplate.named("vicuna"))
        .hasMessageContaining("template: vicuna")
        .hasMessageContaining("alpaca");
  }
}
