package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelSetTest {

  private static InstructionRecord record(String label, String response) {
    return new InstructionRecord("q", null, response, null, label);
  }

  private static LabelSet of(List<String> classes, InstructionRecord... records) {
    return LabelSet.of(classes, List.of(records), LabelSet.AUTO);
  }

  @Test
  void endIsReadFromResponsesThatAreTheLabelAlone() {
    LabelSet labels = of(List.of(), record("a update", "a update"), record("a", "a"));
    assertThat(labels).isEqualTo(new LabelSet(List.of("a", "a update"), ""));
    assertThat(labels.ending()).isEqualTo("the end");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Anomaly. It is late.   | .",
        "Anomaly: it is late.   | :",
        "Anomaly, since late    | `,`",
        "`Anomaly\nIt is late.`  | `\n`",
      })
  void delimiterIsReadFromResponsesThatGoOn(String response, String delimiter) {
    String text = response.replace("\\n", "\n");
    assertThat(of(List.of(), record("Anomaly", text)).afterLabels())
        .containsExactly(delimiter.replace("\\n", "\n"));
  }

  @Test
  void mixIsRefusedUnlessOneIsChosen() {
    List<InstructionRecord> mixed =
        List.of(record("b", "b"), record("b", "b. As it is."), record("b", "b. So."));
    assertThatThrownBy(() -> LabelSet.of(List.of(), mixed, LabelSet.AUTO))
        .hasMessageContaining("after \"b\" in the responses: the end in 1, \".\" in 2")
        .hasMessageContaining("--after-label");
    assertThat(LabelSet.of(List.of(), mixed, LabelSet.END).afterLabels()).containsExactly("");
    assertThat(LabelSet.of(List.of(), mixed, ".").afterLabels()).containsExactly(".");
    assertThatThrownBy(() -> of(List.of(), record("a", "a as it is")))
        .hasMessageContaining("a space in 1");
  }

  @Test
  void eachLabelHasItsOwnEnding() {
    LabelSet labels =
        of(List.of(), record("Anomaly", "Anomaly. It is late."), record("lights", "lights"));
    assertThat(labels.afterLabels()).containsExactly(".", "");
    assertThat(labels.ending()).isEqualTo("the end after lights; \".\" after Anomaly");
    assertThatThrownBy(
            () ->
                of(
                    List.of("Anomaly", "lights", "media"),
                    record("Anomaly", "Anomaly. So."),
                    record("lights", "lights")))
        .hasMessageContaining("no record has \"media\"");
    assertThat(of(List.of("Anomaly", "Normal"), record("Anomaly", "Anomaly. So.")).afterLabels())
        .containsExactly(".", ".");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`normal `  | `normal `            | \"normal \" (record 1): surrounding white space",
        "Normal     | normal               | the same as \"Normal\" (record 1) except case",
        "leak       | leakage              | \"leak\" (record 1): response begins \"leakage\" (expected",
        "leak       | The leak             | \"leak\" (record 1): response begins \"The leak\" (expected",
      })
  void labelsThatCannotBeRightAreNamedWithTheirCounts(
      String label, String response, String message) {
    InstructionRecord[] records =
        label.equals("Normal")
            ? new InstructionRecord[] {record("Normal", "Normal"), record("normal", "normal")}
            : new InstructionRecord[] {record(label, response)};
    assertThatThrownBy(() -> of(List.of(), records)).hasMessageContaining(message);
  }

  @Test
  void classesThatDoNotHaveALabelAreNamed() {
    assertThatThrownBy(
            () -> of(List.of("leak", "kitchen"), record("leak, kitchen", "leak, kitchen")))
        .hasMessageContaining("\"leak, kitchen\" (record 1): none of the classes [leak, kitchen]")
        .hasMessageContaining("must not contain a comma");
    assertThatThrownBy(() -> of(List.of("a", "a"), record("a", "a")))
        .hasMessageContaining("duplicate class");
    assertThatThrownBy(() -> of(List.of("a", ""), record("a", "a")))
        .hasMessageContaining("\"\" (no record): empty");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Normal. All is well.           | Normal",
        "normal operation of the fan    | Normal operation",
        "'Anomaly', since it is late    | Anomaly",
        "It is normal.                  | ",
        "Normally, yes                  | ",
        "नमस्ते दुनिया                      | नमस्ते",
        "نعم، مفتوح                      | نعم",
        "🔥🔥 here                       | 🔥",
      })
  void classIsTheLongestLabelAtTheBeginningOfAnAnswer(String answer, String label) {
    List<String> classes = List.of("Normal", "Anomaly", "Normal operation", "नमस्ते", "نعم", "🔥");
    assertThat(new LabelSet(classes, "").classOf(answer)).isEqualTo(label);
  }

  @Test
  void mixOfEndingsIsSoundForTraining() {
    List<InstructionRecord> mixed = List.of(record("b", "b"), record("b", "b. As it is."));
    assertThat(LabelSet.requireSound(List.of(), mixed)).containsExactly("b");
    assertThatThrownBy(
            () -> LabelSet.requireSound(List.of(), List.of(record("b", "b"), record("c", "b"))))
        .hasMessageContaining("\"c\" (record 2): response begins \"b\"");
  }
}
