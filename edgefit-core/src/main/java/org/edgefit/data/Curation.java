package org.edgefit.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Named selections applied in sequence, with the number of records each one kept.
 *
 * @param steps the steps in their order
 */
public record Curation(List<Step> steps) {

  /** Copies the list. */
  public Curation {
    steps = List.copyOf(steps);
  }

  /** Returns a curation without a step. */
  public static Curation none() {
    return new Curation(List.of());
  }

  /** Returns this curation with one step more at its end. */
  public Curation then(String name, Selection selection) {
    List<Step> more = new ArrayList<>(steps);
    more.add(new Step(name, selection));
    return new Curation(more);
  }

  /**
   * A selection.
   *
   * @param name what it does, for the table of counts
   * @param selection the rule
   */
  public record Step(String name, Selection selection) {}

  /**
   * What a step kept.
   *
   * @param step its name
   * @param before the records that it was given
   * @param kept the records that it left
   */
  public record Count(String step, int before, int kept) {}

  /**
   * A curation's result.
   *
   * @param data the records that all steps left
   * @param counts for each step what it kept
   */
  public record Result(InstructionDataset data, List<Count> counts) {

    /** Returns the counts as a table to print. */
    public String table() {
      StringBuilder table = new StringBuilder("  before    kept  step\n");
      for (Count count : counts) {
        table.append(
            String.format(Locale.ROOT, "%8d%8d  %s%n", count.before(), count.kept(), count.step()));
      }
      return table.toString();
    }
  }

  /** Makes all steps. */
  public Result apply(InstructionDataset data) {
    List<Count> counts = new ArrayList<>();
    InstructionDataset left = data;
    for (Step step : steps) {
      InstructionDataset kept = step.selection().select(left);
      counts.add(new Count(step.name(), left.size(), kept.size()));
      left = kept;
    }
    return new Result(left, List.copyOf(counts));
  }
}
