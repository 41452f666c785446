package org.edgefit.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.edgefit.client.TaskId;
import org.jspecify.annotations.Nullable;

/**
 * The point from which a stopped run can resume. Its log is verified line by line, and the files
 * that it references by hash. Nothing is deleted: truncated, rolled-back or unlogged data is moved
 * to {@code aside}.
 *
 * @param saved what the log says, as far as it is kept
 * @param kept the lines of the log that are kept
 * @param lastTask the greatest number of a task that was ever planned here
 * @param goesBack whether it goes back on damage
 * @param notes what was cut or set aside
 */
record RunRecovery(
    SavedRun saved, SavedRun.Prefix kept, long lastTask, boolean goesBack, List<String> notes) {

  private static final String OPTION =
      "to roll back to the last round that verifies: --go-back, OnDamage.GO_BACK";

  private static final String ASIDE = "aside";

  /** A task's number in a line of the log, whether or not the line can be read. */
  private static final Pattern TASK = Pattern.compile("\"task\":([0-9]{1,18})");

  /** Reads a run's directory, which the caller holds. */
  static RunRecovery of(Path path, OnDamage onDamage) throws IOException {
    Path log = path.resolve(RunDirectory.LOG);
    Journal.Contents contents = Journal.read(log);
    SavedRun saved = SavedRun.read(log, contents.texts());
    Leftovers leftovers = new Leftovers(path);
    SavedRun.Damage damage = damage(path, contents, saved, leftovers);
    List<String> notes = new ArrayList<>();
    if (damage == null) {
      if (contents.fault() != null) {
        leftovers.copyLog();
        notes.add(
            contents.fault()
                + ": the torn last line was truncated; the original log is in "
                + leftovers.name());
      }
      if (leftovers.setAside(saved, false)) {
        notes.add("files not in the log were moved to " + leftovers.name());
      }
      return new RunRecovery(saved, saved.whole(), lastTask(path, saved), false, notes);
    }
    if (onDamage == OnDamage.REFUSE) {
      throw new IOException(damage.text() + "; " + OPTION);
    }
    int last = damage.round() - 1;
    if (last < 0) {
      throw new IOException("no round verifies: " + damage.text());
    }
    SavedRun.Prefix kept = saved.upTo(last);
    SavedRun before = SavedRun.read(log, contents.texts().subList(0, kept.lines()));
    requireMemories(saved, before, last);
    leftovers.copyLog();
    leftovers.setAside(before, true);
    notes.add(
        "rollback to round "
            + last
            + ", the last that verifies: "
            + damage.text()
            + "; later files are in "
            + leftovers.name());
    return new RunRecovery(before, kept, lastTask(path, saved), true, notes);
  }

  /** Returns the first thing that is wrong and was not merely left undone; null if nothing is. */
  private static SavedRun.@Nullable Damage damage(
      Path path, Journal.Contents contents, SavedRun saved, Leftovers leftovers)
      throws IOException {
    SavedRun.Damage altered = saved.damage(path);
    if (altered != null) {
      return altered;
    }
    int next = saved.rounds().size();
    if (saved.fault() != null) {
      return new SavedRun.Damage(next, path.resolve(String.valueOf(saved.fault())).toString());
    }
    if (contents.fault() != null && !contents.isTorn()) {
      String text = path.resolve(contents.fault()) + "; the line is corrupt";
      return new SavedRun.Damage(next, text);
    }
    String beyond = leftovers.beyond(saved);
    if (beyond != null) {
      return new SavedRun.Damage(next, beyond);
    }
    if (next > 0) { // before that it may not have been written yet
      String fault = RunViews.faultOfManifest(path, saved.opened());
      if (fault != null) {
        return new SavedRun.Damage(next, fault);
      }
    }
    return null;
  }

  /** Checks that clients still keep what they had after a round that is gone back to. */
  private static void requireMemories(SavedRun saved, SavedRun before, int round)
      throws IOException {
    for (Map.Entry<String, NavigableMap<TaskId, Integer>> entry : before.memories().entrySet()) {
      TaskId needed = entry.getValue().lastKey();
      for (PlannedTask task : saved.tasks()) {
        TaskId horizon = task.horizon();
        if (task.clientId().equals(entry.getKey())
            && horizon != null
            && horizon.compareTo(needed) > 0) {
          throw new IOException(
              "going back to round "
                  + round
                  + ": "
                  + task.clientId()
                  + " has no state from before task "
                  + horizon
                  + " (expected: that of task "
                  + needed
                  + "); the run must be started anew");
        }
      }
    }
  }

  /** Returns the greatest number of a task, those that were gone back on included. */
  private static long lastTask(Path path, SavedRun saved) throws IOException {
    long last = saved.lastTask();
    Path asides = path.resolve(ASIDE);
    if (!Files.isDirectory(asides)) {
      return last;
    }
    try (Stream<Path> folders = Files.list(asides)) {
      for (Path log : folders.map(folder -> folder.resolve(RunDirectory.LOG)).toList()) {
        if (Files.exists(log)) {
          Matcher task = TASK.matcher(Files.readString(log, StandardCharsets.ISO_8859_1));
          while (task.find()) {
            last = Math.max(last, Long.parseLong(task.group(1)));
          }
        }
      }
    }
    return last;
  }

  /** Makes a folder for what is set aside now, and returns its name in the directory. */
  static String aside(Path path) throws IOException {
    for (int i = 1; ; i++) {
      String name = ASIDE + "/" + i;
      if (!Files.exists(path.resolve(name))) {
        Files.createDirectories(path.resolve(name));
        return name;
      }
    }
  }
}
