package org.edgefit.data.selfinstruct;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.edgefit.data.InstructionDataset;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;
import org.edgefit.file.TextFile;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * Self-Instruct (Wang et al. 2023): a teacher model gets eight in-context tasks, six seeds and two
 * of its own, and writes a ninth; tasks that pass the filters join the pool. For classification it
 * gets the class and writes a task for it (output-first), else task and answer.
 *
 * <p>It works in batches. Each batch is a line of a journal, with the accepted tasks, their
 * in-context examples, and dropped candidates by reason. An interrupted run resumes at the next
 * batch; the same seed gives the same journal.
 */
public final class SelfInstruct {

  /** Written and own examples of a prompt, as in the paper. */
  private static final int WRITTEN = 6;

  private static final int OWN = 2;

  private final List<Task> seeds;
  private final Settings settings;
  private final InstructionDataset heldOut;

  /**
   * How tasks are generated.
   *
   * @param wanted the number of tasks to accept
   * @param prompts the prompts of a batch
   * @param mostBatches the maximum number of batches
   * @param mostAlike the ROUGE-L threshold for near-duplicates of the pool
   */
  public record Settings(int wanted, int prompts, int mostBatches, double mostAlike) {

    /** Checks the numbers. */
    public Settings {
      if (wanted < 1 || prompts < 1 || mostBatches < 1) {
        throw new IllegalArgumentException(
            "wanted, prompts, mostBatches: "
                + wanted
                + ", "
                + prompts
                + ", "
                + mostBatches
                + " (expected: >= 1)");
      }
      if (!(mostAlike > 0 && mostAlike <= 1)) {
        throw new IllegalArgumentException("mostAlike: " + mostAlike + " (expected: in (0, 1])");
      }
    }

    /** Returns the paper's rule, ROUGE-L below 0.7, with 20 prompts in a batch. */
    public static Settings wanted(int wanted) {
      return new Settings(wanted, 20, 10_000, 0.7);
    }
  }

  /** Is told of each batch. */
  @FunctionalInterface
  public interface Progress {
    /** Called with the number of accepted tasks after a batch. */
    void batchDone(int batch, int accepted, int wanted);
  }

  /**
   * The result of a run.
   *
   * @param tasks the accepted tasks, in the order of their acceptance
   * @param dropped how many candidates were dropped, by reason
   * @param candidates all that the teacher wrote
   */
  public record Result(List<Task> tasks, Map<String, Integer> dropped, int candidates) {

    /** Returns the records of the tasks. */
    public InstructionDataset records() {
      return new InstructionDataset(tasks.stream().map(Task::toRecord).toList());
    }

    /** Returns a printable table of accepted and dropped counts. */
    public String report() {
      StringBuilder table = new StringBuilder();
      line(table, candidates, "generated");
      dropped.forEach((reason, count) -> line(table, count, "dropped: " + reason));
      int beyond = candidates - tasks.size() - dropped.values().stream().mapToInt(n -> n).sum();
      line(table, beyond, "surplus");
      line(table, tasks.size(), "accepted");
      for (TaskKind kind : TaskKind.values()) {
        int count = (int) tasks.stream().filter(task -> task.kind() == kind).count();
        line(table, count, "  " + kind.category());
      }
      return table.toString();
    }

    private static void line(StringBuilder table, int count, String what) {
      table.append(String.format(Locale.ROOT, "%8d  %s%n", count, what));
    }
  }

  /**
   * Makes a generator.
   *
   * @param seeds written tasks: at least eight of each kind that is to be generated
   * @param heldOut records whose questions no task may have
   */
  public SelfInstruct(List<Task> seeds, Settings settings, InstructionDataset heldOut) {
    this.seeds = List.copyOf(seeds);
    this.settings = settings;
    this.heldOut = heldOut;
    for (TaskKind kind : TaskKind.values()) {
      long count = seeds.stream().filter(task -> task.kind() == kind).count();
      if (count < WRITTEN + OWN) {
        throw new IllegalArgumentException(
            "seeds: "
                + count
                + " of "
                + kind.category()
                + " (expected: at least "
                + (WRITTEN + OWN)
                + ")");
      }
    }
  }

  /** A prompt, and the class that its task is to have. */
  private record Order(TaskKind kind, @Nullable String label, List<Task> examples) {

    /** Returns the prompt for the teacher. */
    String prompt() {
      StringBuilder text = new StringBuilder(kind.category()).append(" in a smart home\n\n");
      examples.forEach(example -> text.append(written(example)));
      return text.append(opening(label)).toString();
    }

    private static String opening(@Nullable String label) {
      return (label == null ? "" : "Class: " + label + "\n") + "Task:";
    }

    private static String written(Task task) {
      return opening(task.label()) + " " + task.task() + "\nAnswer: " + task.answer() + "\n\n";
    }

    /** Returns the task that a completion has, with empty parts where it has none. */
    Task parse(String completion) {
      String text = completion.strip();
      int answer = text.indexOf("\nAnswer:");
      String task = oneLine(answer < 0 ? text : text.substring(0, answer));
      String rest = answer < 0 ? "" : oneLine(text.substring(answer + "\nAnswer:".length()));
      return new Task(kind, task, rest, label);
    }

    private static String oneLine(String text) {
      return text.strip().replaceAll("\\s+", " ");
    }
  }

  /**
   * Generates tasks, resuming from an existing journal.
   *
   * @param journal the file of the journal; it is made if it is not there
   * @throws IOException if the journal is another seed's, or broken before its last line
   */
  public Result run(Teacher teacher, Path journal, Seed seed, Progress progress)
      throws IOException, InterruptedException {
    CandidateFilter filter = new CandidateFilter(settings.mostAlike(), heldOut);
    seeds.forEach(filter::add);
    List<Task> accepted = new ArrayList<>();
    Map<String, Integer> dropped = new LinkedHashMap<>();
    CandidateFilter.REASONS.forEach(reason -> dropped.put(reason, 0));
    int candidates = 0;
    int batch = 0;
    for (ObjectNode line : read(journal)) {
      if (line.path("seed").asLong() != seed.value() || line.path("batch").asInt() != batch) {
        throw new IOException(
            journal
                + ": line "
                + (batch + 1)
                + ": not batch "
                + batch
                + " of seed "
                + seed.value());
      }
      for (JsonNode task : line.path("accepted")) {
        accepted.add(task(task));
        filter.add(accepted.get(accepted.size() - 1));
      }
      for (String reason : CandidateFilter.REASONS) {
        dropped.merge(reason, line.path("dropped").path(reason).asInt(), Integer::sum);
      }
      candidates += line.path("candidates").asInt();
      batch++;
    }
    for (; accepted.size() < settings.wanted() && batch < settings.mostBatches(); batch++) {
      if (Thread.interrupted()) {
        throw new InterruptedException("self-instruct stopped after batch " + batch);
      }
      Seed own = seed.split("self-instruct").split(batch);
      List<Order> orders = orders(accepted, own);
      List<String> texts =
          teacher.complete(
              orders.stream().map(Order::prompt).toList(), "\n\n", own.split("teacher"));
      ObjectNode line = Json.object();
      line.put("seed", seed.value());
      line.put("batch", batch);
      line.put("candidates", orders.size());
      ArrayNode taken = line.putArray("accepted");
      ObjectNode reasons = line.putObject("dropped");
      for (int i = 0; i < orders.size(); i++) {
        Task candidate = orders.get(i).parse(texts.get(i));
        String reason = filter.check(candidate);
        if (reason == null) {
          accepted.add(candidate);
          taken.add(json(candidate, orders.get(i).examples()));
        } else {
          dropped.merge(reason, 1, Integer::sum);
          reasons.put(reason, reasons.path(reason).asInt() + 1);
        }
      }
      candidates += orders.size();
      append(journal, line);
      progress.batchDone(batch + 1, accepted.size(), settings.wanted());
    }
    List<Task> enough = accepted.subList(0, Math.min(accepted.size(), settings.wanted()));
    return new Result(List.copyOf(enough), dropped, candidates);
  }

  /** Draws a batch's prompts: kinds and classes in turn, examples from the pool so far. */
  private List<Order> orders(List<Task> accepted, Seed seed) {
    Random random = new Random(seed.split("orders").value());
    TaskKind[] kinds = TaskKind.values();
    Map<TaskKind, Integer> turns = new EnumMap<>(TaskKind.class);
    int start = random.nextInt(kinds.length);
    List<Order> orders = new ArrayList<>();
    for (int i = 0; i < settings.prompts(); i++) {
      TaskKind kind = kinds[(start + i) % kinds.length];
      String label = null;
      if (kind.isOutputFirst()) {
        int turn = turns.merge(kind, 1, Integer::sum) + start;
        label = kind.labels().get(turn % kind.labels().size());
      }
      List<Task> examples = draw(seeds, kind, WRITTEN + OWN, random);
      List<Task> own = draw(accepted, kind, OWN, random);
      for (int j = 0; j < own.size(); j++) { // until there are some, written ones stand in
        examples.set(WRITTEN + j, own.get(j));
      }
      Collections.shuffle(examples, random);
      orders.add(new Order(kind, label, List.copyOf(examples)));
    }
    return orders;
  }

  private static List<Task> draw(List<Task> pool, TaskKind kind, int most, Random random) {
    List<Task> ofKind = new ArrayList<>(pool.stream().filter(t -> t.kind() == kind).toList());
    Collections.shuffle(ofKind, random);
    return new ArrayList<>(ofKind.subList(0, Math.min(most, ofKind.size())));
  }

  private static ObjectNode json(Task task, List<Task> examples) {
    ObjectNode json = json(task);
    ArrayNode from = json.putArray("examples");
    examples.forEach(example -> from.add(example.task()));
    return json;
  }

  private static ObjectNode json(Task task) {
    ObjectNode json = Json.object();
    json.put("kind", task.kind().name());
    json.put("task", task.task());
    json.put("answer", task.answer());
    if (task.label() != null) {
      json.put("label", task.label());
    }
    return json;
  }

  private static Task task(JsonNode json) {
    return new Task(
        TaskKind.valueOf(json.path("kind").asText()),
        json.path("task").asText(),
        json.path("answer").asText(),
        json.hasNonNull("label") ? json.get("label").asText() : null);
  }

  /** Returns the written tasks that lie with this class, {@code seed-tasks.jsonl}. */
  public static List<Task> seedTasks() {
    String name = "seed-tasks.jsonl";
    try (InputStream stream = SelfInstruct.class.getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalStateException(name + ": not among this jar's resources");
      }
      return tasks(new String(stream.readAllBytes(), StandardCharsets.UTF_8), name);
    } catch (IOException e) {
      throw new UncheckedIOException(name, e);
    }
  }

  /** Reads a file of tasks, a JSON object a line: kind, task, answer and, for a class, label. */
  public static List<Task> tasks(String text, String where) throws IOException {
    List<Task> tasks = new ArrayList<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      if (line.isBlank()) {
        continue;
      }
      try {
        Task task = task(Json.parse(line, where + ": line " + number));
        String fault = task.kind().fault(task.answer(), task.label());
        if (task.task().isBlank() || fault != null) {
          throw new IOException(
              where + ": line " + number + ": " + (fault == null ? "task" : fault) + ": not valid");
        }
        tasks.add(task);
      } catch (IllegalArgumentException e) {
        throw new IOException(where + ": line " + number + ": kind: " + e.getMessage(), e);
      }
    }
    return tasks;
  }

  /** Reads the journal; a last line that was not written whole is cut off. */
  private static List<ObjectNode> read(Path journal) throws IOException {
    if (!Files.exists(journal)) {
      return List.of();
    }
    byte[] bytes = Files.readAllBytes(journal);
    int whole = bytes.length;
    while (whole > 0 && bytes[whole - 1] != '\n') {
      whole--;
    }
    if (whole < bytes.length) {
      try (FileChannel channel = FileChannel.open(journal, StandardOpenOption.WRITE)) {
        channel.truncate(whole);
      }
    }
    String text = TextFile.decode(ByteBuffer.wrap(bytes, 0, whole), journal.toString());
    List<ObjectNode> lines = new ArrayList<>();
    for (String line : text.lines().toList()) {
      lines.add(Json.parse(line, journal + ": line " + (lines.size() + 1)));
    }
    return lines;
  }

  private static void append(Path journal, ObjectNode line) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            journal,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.APPEND)) {
      ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
      DurableFiles.writeFully(channel, bytes, journal);
      DurableFiles.force(channel, journal);
    }
  }
}
