package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
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
    InstructionRecord told =
        new InstructionRecord(
            "Turn it on.",
            "The lamp.",
            "Done.",
            null,
            null,
            List.of(new Message(Message.SYSTEM, "Be brief.")));
    assertThat(PromptTemplate.chatMl().apply(told, LLAMA_TOKENS).text())
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

  @Test
  void earlierMessagesHaveTheirPlace() {
    List<Message> earlier =
        List.of(
            new Message(Message.SYSTEM, "S"),
            new Message(Message.USER, "one"),
            new Message(Message.ASSISTANT, "1"));
    InstructionRecord two = new InstructionRecord("two", null, "2", null, null, earlier);
    assertThat(PromptTemplate.llama2().apply(two, LLAMA_TOKENS).text())
        .isEqualTo(
            "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\none [/INST] 1 </s><s>[INST] two [/INST] 2 </s>");
    assertThat(PromptTemplate.phi3().apply(two, LLAMA_TOKENS).text())
        .startsWith(
            "<|system|>\nS<|end|>\n<|user|>\none<|end|>\n<|assistant|>\n1<|end|>\n<|user|>");
    assertThatThrownBy(() -> PromptTemplate.alpaca().apply(two, LLAMA_TOKENS))
        .hasMessageContaining("alpaca, for a record with 3 messages before");
    String jinja =
        "{% for m in messages %}{{ '<' + m.role + '>' + m.content }}{% endfor %}"
            + "{% if add_generation_prompt %}<assistant>{% endif %}";
    assertThat(PromptTemplate.ofChatTemplate(jinja, Map.of()).apply(two, LLAMA_TOKENS))
        .isEqualTo(new Prompt("<system>S<user>one<assistant>1<user>", "two", "<assistant>", "2"));
  }
}
