package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {

  private static final SpecialTokens TOKENS = new SpecialTokens("<s>", "</s>");
  private static final InstructionRecord RECORD =
      new InstructionRecord("Is it {{ 5 }} % wet?", null, "No, it isn't.", null, null);

  private static PromptTemplate template(String jinja) {
    return PromptTemplate.ofChatTemplate(jinja, Map.of("bos_token", "<s>", "eos_token", "</s>"));
  }

  private static final String CHATML =
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
          + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

  @Test
  void answerIsWhatFollowsTheTextThatAsksUpToItsEndToken() {
    assertThat(template(CHATML).apply(RECORD, TOKENS))
        .isEqualTo(
            new Prompt(
                "<|im_start|>user\n",
                "Is it {{ 5 }} % wet?",
                "<|im_end|>\n<|im_start|>assistant\n",
                "No, it isn't.<|im_end|>"));
    assertThat(template(CHATML).ask(RECORD, TOKENS).text())
        .isEqualTo("<|im_start|>user\nIs it {{ 5 }} % wet?<|im_end|>\n<|im_start|>assistant\n");
  }

  @Test
  void defaultSystemPromptTrimmedMessageAndThoughtAreKept() {
    String jinja =
        "{% if messages[0].role != 'system' %}{{ '<|system|>You run a home.' }}{% endif %}"
            + "{% for m in messages %}{{ '<|' + m.role + '|>' }}"
            + "{% if m.role == 'assistant' %}{{ '<think></think>' }}{% endif %}"
            + "{{ m.content | trim + eos_token }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|assistant|><think></think>' }}{% endif %}";
    InstructionRecord blanks = new InstructionRecord(" q \n", null, " a ", null, null);
    assertThat(template(jinja).apply(blanks, TOKENS))
        .isEqualTo(
            new Prompt(
                "<|system|>You run a home.<|user|>",
                "q",
                "</s><|assistant|><think></think>",
                "a</s>"));
  }

  @Test
  void answerThatTheTemplateMarksIsLearnedAlone() {
    String jinja =
        "{% for m in messages %}{% if m.role == 'assistant' %}A: {% generation %}"
            + "{{ m.content + eos_token }}{% endgeneration %} (end){% else %}{{ m.content }} "
            + "{% endif %}{% endfor %}{% if add_generation_prompt %}A: {% endif %}";
    Prompt prompt = template(jinja).apply(RECORD, TOKENS);
    assertThat(prompt.answer()).isEqualTo("No, it isn't.</s>");
    assertThat(prompt.promptText()).isEqualTo("Is it {{ 5 }} % wet? A: ");
    assertThat(prompt.question()).isEqualTo("Is it {{ 5 }} % wet?");
  }

  @Test
  void thoughtThatIsAskedForAndNotAnsweredIsNoPartOfTheAnswer() {
    String jinja =
        "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content.split('</think>')[-1] }}"
            + "{% endfor %}{{ eos_token if not add_generation_prompt }}"
            + "{% if add_generation_prompt %}{{ '<|assistant|><think>' }}{% endif %}";
    InstructionRecord tag = new InstructionRecord("q", null, "<b>hot</b>", null, null);
    Prompt prompt = template(jinja).apply(tag, TOKENS);
    assertThat(prompt).isEqualTo(new Prompt("<|user|>", "q", "<|assistant|>", "<b>hot</b></s>"));
    assertThat(template(jinja).ask(tag, TOKENS).text()).isEqualTo("<|user|>q<|assistant|><think>");
  }

  @Test
  void textWithoutAnEndTokenIsLearnedToItsEnd() {
    String jinja = "{% for m in messages %}{{ m.role }}: {{ m.content + '\n' }}{% endfor %}";
    assertThat(template(jinja).apply(RECORD, TOKENS).answer())
        .isEqualTo("assistant: No, it isn't.\n");
  }

  @Test
  void questionThatIsWrittenTwiceIsNotCut() {
    String jinja =
        "{{ messages[0].content }}|{{ messages[0].content }}|"
            + "{% for m in messages if m.role == 'assistant' %}{{ m.content }}{% endfor %}";
    Prompt prompt = template(jinja).apply(RECORD, TOKENS);
    assertThat(prompt.question()).isEmpty();
    assertThat(prompt.answer()).isEqualTo("No, it isn't.");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ messages[0].content }}",
        "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
        "{% for m in messages[::-1] %}{{ m.role + m.content }}{% endfor %}",
      })
  void templateWithoutAPlaceForTheAnswerIsRefused(String jinja) {
    assertThatThrownBy(() -> template(jinja).apply(RECORD, TOKENS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("use another template");
  }
}
