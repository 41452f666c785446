package org.edgefit.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.client.TaskId;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.FileFault;
import org.edgefit.file.Json;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The files derived from a run's log: {@code run.json} and {@code metrics.jsonl}. */
final class RunViews {

  static final String MANIFEST = "run.json";
  static final String METRICS = "metrics.jsonl";

  private static final Logger log = LoggerFactory.getLogger(RunViews.class);

  private final Path path;
  private final Map<TaskId, Map<String, String>> machines = new TreeMap<>();

  RunViews(Path path) {
    this.path = path;
  }

  /** Adds an event that the log has now. */
  void add(RunEvent.Kept event) throws IOException {
    if (event instanceof RunEvent.RunOpened opened) {
      DurableFiles.write(path.resolve(MANIFEST), manifest(opened));
    } else if (event instanceof RunEvent.RoundClosed closed) {
      Path metrics = path.resolve(METRICS);
      try {
        Files.writeString(
            metrics, rows(closed.summary()), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      } catch (IOException e) {
        throw FileFault.named(metrics, e);
      }
    } else {
      note(event);
    }
  }

  private void note(RunEvent.Kept event) {
    if (event instanceof RunEvent.RoundOpened opened) {
      opened.tasks().forEach(task -> machines.put(task.id(), task.machine()));
    } else if (event instanceof RunEvent.EvaluationOpened opened) {
      opened.tasks().forEach(task -> machines.put(task.id(), task.machine()));
    }
  }

  private String rows(RoundSummary round) {
    StringBuilder rows = new StringBuilder();
    RunEventCodec.rows(round, machines).forEach(row -> rows.append(row).append('\n'));
    return rows.toString();
  }

  private static String manifest(RunEvent.RunOpened opened) {
    ObjectNode json = Json.object();
    json.put("format", RunEventCodec.FORMAT).put("run", opened.runId());
    json.setAll(RunEventCodec.sorted(opened.settings()));
    return Json.indented(json);
  }

  /** Returns what is wrong with {@code run.json}, or null. */
  static @Nullable String faultOfManifest(Path path, RunEvent.RunOpened opened) throws IOException {
    Path file = path.resolve(MANIFEST);
    String expected = " (expected: what " + RunDirectory.LOG + ":1 says)";
    if (!Files.exists(file)) {
      return file + ": missing" + expected;
    }
    if (Files.readString(file, StandardCharsets.ISO_8859_1).equals(latin(manifest(opened)))) {
      return null;
    }
    String format = formatOf(file);
    return file
        + (format.equals("" + RunEventCodec.FORMAT)
            ? ": altered" + expected
            : ": format " + format + " (expected: " + RunEventCodec.FORMAT + ")");
  }

  private static String formatOf(Path file) {
    try {
      return Json.read(file).path("format").asText("none");
    } catch (IOException e) {
      return "" + RunEventCodec.FORMAT; // not readable at all, which is an alteration
    }
  }

  /** Writes both from the log of a run that goes on; other contents are set aside. */
  void restore(SavedRun saved, boolean goesBack) throws IOException {
    saved.events().forEach(this::note);
    StringBuilder all = new StringBuilder();
    saved.rounds().forEach(round -> all.append(rows(round)));
    write(path.resolve(MANIFEST), manifest(saved.opened()));
    write(path.resolve(METRICS), all.toString());
  }

  private void write(Path file, String text) throws IOException {
    String before = Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : null;
    String now = latin(text);
    if (now.equals(before)) {
      return;
    }
    if (before != null && !now.startsWith(before)) {
      Path aside = path.resolve(RunRecovery.aside(path)).resolve(file.getFileName());
      Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
      log.warn("{}: differs from the log; rewritten, the old file is {}", file, aside);
    }
    DurableFiles.write(file, text);
  }

  /** Returns a text's bytes as characters, so that bytes which are no UTF-8 compare too. */
  private static String latin(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }
}
