package org.edgefit.data.selfinstruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.edgefit.data.InstructionDataset;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SelfInstructTest {

  private static final InstructionDataset NOTHING = new InstructionDataset(List.of());

  @TempDir Path temp;

  private final List<String> prompts = new ArrayList<>();

  /** Writes valid tasks of random words, and now and then a broken one. */
  private List<String> teach(List<String> asked, String stop, Seed seed) {
    prompts.addAll(asked);
    SplittableRandom random = seed.generator();
    List<String> texts = new ArrayList<>();
    for (String prompt : asked) {
      StringBuilder task = new StringBuilder();
      for (int i = 0; i < 8; i++) {
        task.append(" word").append(random.nextInt(1000));
      }
      String answer = prompt.startsWith("Intent") ? "" : "Some words.";
      if (prompt.startsWith("Routine")) {
        answer = "{\"trigger\": {\"time\": \"7\"}, \"actions\": []}";
      } else if (prompt.startsWith("Device Command")) {
        answer = random.nextInt(4) == 0 ? "{\"device\":" : "{\"device\": \"a\", \"action\": \"b\"}";
      }
      texts.add(random.nextInt(10) == 0 ? task.toString() : task + "\nAnswer: " + answer);
    }
    return texts;
  }

  private SelfInstruct selfInstruct(int wanted) {
    return new SelfInstruct(
        SelfInstruct.seedTasks(), new SelfInstruct.Settings(wanted, 10, 50, 0.7), NOTHING);
  }

  private SelfInstruct.Result run(SelfInstruct selfInstruct, Path journal) throws Exception {
    return selfInstruct.run(this::teach, journal, new Seed(1), (batch, accepted, wanted) -> {});
  }

  @Test
  void sameSeedGivesTheSameJournal() throws Exception {
    SelfInstruct.Result one = run(selfInstruct(40), temp.resolve("one"));
    SelfInstruct.Result other = run(selfInstruct(40), temp.resolve("other"));
    assertThat(one.tasks()).hasSize(40).isEqualTo(other.tasks());
    assertThat(temp.resolve("one")).hasSameTextualContentAs(temp.resolve("other"));
    assertThat(one.dropped().get("no task or answer")).isPositive();
    assertThat(one.dropped().get("JSON")).isPositive();
    assertThat(one.report()).contains("dropped: ROUGE-L", "Routine");
    assertThat(count(one, "generated")).isEqualTo(one.candidates());
    assertThat(count(one, "surplus")).isPositive();
    assertThat(count(one, "dropped: .*|surplus|accepted")).isEqualTo(one.candidates());
  }

  /** Returns the sum of a report's counts of what a pattern says. */
  private static int count(SelfInstruct.Result result, String what) {
    return result
        .report()
        .lines()
        .map(line -> line.strip().split(" +", 2))
        .filter(line -> line[1].matches(what))
        .mapToInt(line -> Integer.parseInt(line[0]))
        .sum();
  }

  @Test
  void runThatWasInterruptedGoesOnAtTheNextBatch() throws Exception {
    SelfInstruct.Result whole = run(selfInstruct(40), temp.resolve("whole"));
    run(selfInstruct(15), temp.resolve("part"));
    // A line that was not written whole, here inside a character, is not there.
    Files.write(
        temp.resolve("part"),
        new byte[] {'{', '"', 's', '"', ':', '"', (byte) 0xf0, (byte) 0x9f},
        StandardOpenOption.APPEND);
    SelfInstruct.Result resumed = run(selfInstruct(40), temp.resolve("part"));
    assertThat(resumed).isEqualTo(whole);
    assertThat(temp.resolve("part")).hasSameTextualContentAs(temp.resolve("whole"));
  }

  @Test
  void promptsHaveEightExamplesOfTheirKind() throws Exception {
    SelfInstruct.Result result = run(selfInstruct(60), temp.resolve("journal"));
    assertThat(prompts)
        .allSatisfy(
            prompt -> {
              assertThat(prompt.split("\nAnswer:", -1)).hasSize(9);
              assertThat(prompt).endsWith("Task:");
            });
    List<String> own = result.tasks().stream().map(Task::task).toList();
    String last = prompts.get(prompts.size() - 1);
    assertThat(own.stream().filter(last::contains).count()).isEqualTo(2);
  }

  @Test
  void classesAreDrawnEvenly() throws Exception {
    List<Task> tasks = run(selfInstruct(200), temp.resolve("journal")).tasks();
    long events = tasks.stream().filter(task -> task.kind() == TaskKind.EVENT).count();
    long anomalies = tasks.stream().filter(task -> "Anomaly".equals(task.label())).count();
    assertThat((double) anomalies / events).isBetween(0.35, 0.65);
  }

  @Test
  void journalOfAnotherSeedIsRefused() throws Exception {
    Path journal = temp.resolve("journal");
    run(selfInstruct(10), journal);
    assertThatThrownBy(
            () ->
                selfInstruct(20)
                    .run(this::teach, journal, new Seed(2), (batch, accepted, wanted) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("not batch 0 of seed 2");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "QUESTION | Is the light in the hall on?    | It is.                        |         | ",
        "QUESTION |                                 | It is.                        |         | no task or answer",
        "QUESTION | Is it on?                       |                               |         | no task or answer",
        "QUESTION | On?                             | It is.                        |         | length",
        "QUESTION | Draw a picture of the kitchen.  | Here it is.                   |         | keyword",
        "QUESTION | 7 lamps are on, how many is it? | Seven.                        |         | keyword",
        "EVENT    | The gate was open all night.    | Odd.                          | Strange | label",
        "EVENT    | The gate was open all night.    | Normal, as on most days.      | Anomaly | label",
        "EVENT    | The gate was open all night.    | A normal night, as it seems.  | Anomaly | label",
        "EVENT    | The gate was open all night.    | Anomaly, for it is shut then. | Anomaly | ",
        "EVENT    | The gate was open all night.    | Normally it is closed.        | Anomaly | ",
        "EVENT    | The gate was open all night.    |                               | Anomaly | no task or answer",
        "INTENT   | Close the gate behind the car.  |                               | security | ",
        "INTENT   | Close the gate behind the car.  | It is a gate.                 | security | label",
        "COMMAND  | Switch the lamp upstairs on.    | lamp on                       |         | JSON",
        "COMMAND  | Switch the lamp upstairs on.    | {\"device\": \"lamp\"}        |         | JSON",
        "QUESTION | Which sensor is in the cellar?  | None.                         |         | held out",
        "QUESTION | What does a water leak sensor do | It waits.                    |         | duplicate",
        "QUESTION | What does the water leak sensor do? | It waits.                 |         | ROUGE-L",
      })
  void candidatesAreDroppedForTheirReason(
      TaskKind kind, String task, String answer, String label, String reason) {
    InstructionDataset heldOut =
        new InstructionDataset(
            List.of(TaskKind.QUESTION.record("Which sensor is in the cellar?", "None.", null)));
    CandidateFilter filter = new CandidateFilter(0.7, heldOut);
    SelfInstruct.seedTasks().forEach(filter::add);
    Task candidate = new Task(kind, task == null ? "" : task, answer == null ? "" : answer, label);
    assertThat(filter.check(candidate)).isEqualTo(reason);
  }

  @Test
  void seedTasksAreValidAndOfEveryKind() {
    List<Task> seeds = SelfInstruct.seedTasks();
    for (TaskKind kind : TaskKind.values()) {
      assertThat(seeds.stream().filter(task -> task.kind() == kind)).hasSizeGreaterThanOrEqualTo(8);
    }
    assertThat(seeds.get(0).toRecord().response()).startsWith("Anomaly. Nobody");
  }
}
