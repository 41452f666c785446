package org.edgefit.data;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The classes of a classification, and the delimiter after each label in the responses: it
 * distinguishes a label from one that it is a prefix of.
 *
 * @param classes the classes
 * @param afterLabels for each class, the delimiter after its label in a response, such as a full
 *     stop; empty where a response is the label alone, so that the token that ends the answer comes
 *     after it
 */
public record LabelSet(List<String> classes, List<String> afterLabels) {

  /** The setting that infers the delimiter from the records. */
  public static final String AUTO = "auto";

  /** The setting for responses that are the label alone. */
  public static final String END = "end";

  private static final int MOST_FAULTS = 8;

  /** How much of a response is shown. */
  private static final int MOST_SHOWN = 30;

  /** Copies the lists. */
  public LabelSet {
    classes = List.copyOf(classes);
    afterLabels = List.copyOf(afterLabels);
    if (classes.size() != afterLabels.size()) {
      throw new IllegalArgumentException(
          "afterLabels: " + afterLabels.size() + " (expected: " + classes.size() + ")");
    }
  }

  /** Makes classes each of whose labels is followed by the same. */
  public LabelSet(List<String> classes, String afterLabel) {
    this(classes, Collections.nCopies(classes.size(), afterLabel));
  }

  /**
   * Checks the labels of records before scoring.
   *
   * @param classes the classes; where empty, those of the records
   * @param records the records, those without a label among them
   * @param afterLabel what follows a label: {@link #AUTO}, {@link #END}, or the delimiter
   * @throws IllegalArgumentException naming each invalid label, with how many records have it
   */
  public static LabelSet of(
      List<String> classes, List<InstructionRecord> records, String afterLabel) {
    List<String> chosen = requireSound(classes, records);
    Map<String, Map<String, Integer>> delimiters = new TreeMap<>();
    for (InstructionRecord record : records) {
      String label = record.label();
      String delimiter = label == null ? null : delimiter(label, record.response());
      if (label != null && delimiter != null) {
        delimiters.computeIfAbsent(label, of -> new TreeMap<>()).merge(delimiter, 1, Integer::sum);
      }
    }
    return new LabelSet(chosen, following(chosen, delimiters, afterLabel));
  }

  /**
   * Rejects invalid labels, whatever their delimiter.
   *
   * @param classes the classes; where empty, those of the records
   * @return the classes
   * @throws IllegalArgumentException as {@link #of} does
   */
  public static List<String> requireSound(List<String> classes, List<InstructionRecord> records) {
    Map<String, Uses> uses = new TreeMap<>();
    Map<String, Uses> absent = new TreeMap<>();
    for (int i = 0; i < records.size(); i++) {
      String label = records.get(i).label();
      if (label != null) {
        uses.computeIfAbsent(label, Uses::new).add(i);
        if (delimiter(label, records.get(i).response()) == null) {
          absent.computeIfAbsent(label, Uses::new).add(i);
        }
      }
    }
    List<String> chosen = classes.isEmpty() ? List.copyOf(uses.keySet()) : classes;
    List<String> faults = new ArrayList<>();
    form(chosen, uses, faults);
    uses.forEach(
        (label, used) -> {
          if (!chosen.contains(label)) {
            faults.add(
                used
                    + ": none of the classes "
                    + chosen
                    + (label.contains(",")
                        ? "; a class must not contain a comma in a comma-separated list"
                        : ""));
          }
        });
    absent.forEach(
        (label, used) ->
            faults.add(
                used
                    + ": response begins "
                    + opening(records.get(used.first).response())
                    + " (expected: with its label)"));
    if (!faults.isEmpty()) {
      int more = faults.size() - MOST_FAULTS;
      throw new IllegalArgumentException(
          "labels: "
              + String.join("; ", faults.subList(0, Math.min(MOST_FAULTS, faults.size())))
              + (more > 0 ? "; and " + more + " more" : ""));
    }
    return chosen;
  }

  /** The records that have a label. */
  private static final class Uses {
    private final String label;
    private int count;
    private int first;

    Uses(String label) {
      this.label = label;
    }

    void add(int record) {
      first = count == 0 ? record : first;
      count++;
    }

    /** Returns, for example, {@code "leak" (3 records, the first is number 5)}. */
    @Override
    public String toString() {
      return "\""
          + label
          + "\" ("
          + (count == 0
              ? "no record)"
              : count == 1
                  ? "record " + (first + 1) + ")"
                  : count + " records, the first is " + (first + 1) + ")");
    }
  }

  private static void form(List<String> classes, Map<String, Uses> uses, List<String> faults) {
    Map<String, Uses> folded = new LinkedHashMap<>();
    TreeSet<String> all = new TreeSet<>(classes);
    all.addAll(uses.keySet());
    if (classes.stream().distinct().count() < classes.size()) {
      faults.add("classes " + classes + ": duplicate class");
    }
    for (String label : all) {
      Uses used = uses.getOrDefault(label, new Uses(label));
      if (label.isBlank()) {
        faults.add(used + ": empty");
      } else if (!label.equals(label.strip())) {
        faults.add(used + ": surrounding white space");
      }
      Uses other = folded.putIfAbsent(label.strip().toLowerCase(Locale.ROOT), used);
      if (other != null) {
        faults.add(used + ": the same as " + other + " except case and white space");
      }
    }
  }

  private static String opening(String response) {
    String line = response.lines().findFirst().orElse("");
    int end =
        line.offsetByCodePoints(0, Math.min(MOST_SHOWN, line.codePointCount(0, line.length())));
    return "\"" + line.substring(0, end) + (end < response.length() ? "…\"" : "\"");
  }

  /**
   * Returns what follows a label in a response: nothing, the signs before the next blank, or a line
   * break; null if the response does not begin with the label as words of its own.
   */
  private static @Nullable String delimiter(String label, String response) {
    String text = response.stripLeading();
    if (!text.startsWith(label)) {
      return null;
    }
    String rest = text.substring(label.length());
    if (rest.isBlank()) {
      return "";
    } else if (rest.charAt(0) == '\n' || rest.charAt(0) == '\r') {
      return "\n";
    }
    int end = 0;
    while (end < rest.length() && isSign(rest.codePointAt(end))) {
      end += Character.charCount(rest.codePointAt(end));
    }
    boolean isBlank = Character.isWhitespace(rest.charAt(0));
    return end > 0 ? rest.substring(0, end) : isBlank ? " " : null;
  }

  private static boolean isSign(int c) {
    return !Character.isLetterOrDigit(c)
        && !Character.isWhitespace(c)
        && Character.getType(c) != Character.NON_SPACING_MARK
        && Character.getType(c) != Character.COMBINING_SPACING_MARK;
  }

  /** Returns what follows the label of each class. */
  private static List<String> following(
      List<String> classes, Map<String, Map<String, Integer>> delimiters, String afterLabel) {
    if (!afterLabel.equals(AUTO)) {
      return Collections.nCopies(classes.size(), afterLabel.equals(END) ? "" : afterLabel);
    }
    TreeSet<String> all = new TreeSet<>();
    delimiters.forEach(
        (label, after) -> {
          if (after.size() > 1 || after.containsKey(" ")) {
            List<String> found = new ArrayList<>();
            after.forEach((one, count) -> found.add(shown(one) + " in " + count));
            throw new IllegalArgumentException(
                "labels: after \""
                    + label
                    + "\" in the responses: "
                    + String.join(", ", found)
                    + " (expected: the same delimiter or the end in all); set the delimiter with"
                    + " --after-label");
          }
          all.addAll(after.keySet());
        });
    List<String> following = new ArrayList<>();
    for (String label : classes) {
      Map<String, Integer> after = delimiters.get(label);
      if (after == null && all.size() > 1) {
        throw new IllegalArgumentException(
            "labels: no record has \""
                + label
                + "\", and the others have different delimiters; set the delimiter with"
                + " --after-label");
      }
      following.add(
          after != null ? after.keySet().iterator().next() : all.isEmpty() ? "" : all.first());
    }
    return following;
  }

  private static String shown(String after) {
    return switch (after) {
      case "" -> "the end";
      case " " -> "a space";
      case "\n" -> "a line break";
      default -> "\"" + after + "\"";
    };
  }

  /** Returns in words what labels are scored with. */
  public String ending() {
    Map<String, List<String>> labels = new TreeMap<>();
    for (int i = 0; i < classes.size(); i++) {
      labels.computeIfAbsent(afterLabels.get(i), after -> new ArrayList<>()).add(classes.get(i));
    }
    if (labels.size() == 1) {
      return shown(labels.keySet().iterator().next());
    }
    List<String> parts = new ArrayList<>();
    labels.forEach((after, of) -> parts.add(shown(after) + " after " + String.join(", ", of)));
    return String.join("; ", parts);
  }

  /** Returns the longest class whose words begin an answer, ignoring case; null if none does. */
  public @Nullable String classOf(String answer) {
    List<String> words = words(answer);
    String best = null;
    int longest = 0;
    for (String label : classes) {
      List<String> wanted = words(label);
      if (wanted.size() > longest
          && wanted.size() <= words.size()
          && words.subList(0, wanted.size()).equals(wanted)) {
        best = label;
        longest = wanted.size();
      }
    }
    return best;
  }

  /** Returns the words and symbols of a text in lower case, without punctuation. */
  private static List<String> words(String text) {
    BreakIterator breaks = BreakIterator.getWordInstance(Locale.ROOT);
    breaks.setText(text);
    List<String> words = new ArrayList<>();
    int start = breaks.first();
    for (int end = breaks.next(); end != BreakIterator.DONE; start = end, end = breaks.next()) {
      String word = text.substring(start, end);
      if (word.codePoints().anyMatch(LabelSet::isOfAWord)) {
        words.add(word.toLowerCase(Locale.ROOT));
      }
    }
    return words;
  }

  private static boolean isOfAWord(int c) {
    return Character.isLetterOrDigit(c)
        || Character.getType(c) == Character.OTHER_SYMBOL
        || Character.getType(c) == Character.NON_SPACING_MARK;
  }
}
