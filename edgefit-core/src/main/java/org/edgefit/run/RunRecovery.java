package org.edgefit.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a run that was stopped can go on from. Its log is read and checked line by line, and the
 * files of closed rounds by their hashes. Nothing is deleted: what is cut or gone back on is under
 * {@code aside} afterwards.
 *
 * @param saved what the log says, as far as it is kept
 * @param lines the lines of the log that are kept
 * @param bytes the bytes that they take
 * @param goesBack whether it goes back on damage
 * @param notes what was cut or set aside
 */
record RunRecovery(SavedRun saved, long lines, long bytes, boolean goesBack, List<String> notes) {

  private static final String OPTION = "going back to the last round that verifies is an option";

  /** Reads a run's directory, which the caller holds. */
  static RunRecovery of(Path path, OnDamage onDamage) throws IOException {
    Path log = path.resolve(RunDirectory.LOG);
    Journal.Contents contents = Journal.read(log);
    SavedRun saved = SavedRun.read(log, contents.texts());
    SavedRun.Damage damage = damage(path, contents, saved);
    if (damage == null) {
      if (contents.fault() == null) {
        return new RunRecovery(saved, contents.texts().size(), contents.bytes(), false, List.of());
      }
      Path aside = aside(path);
      Files.copy(log, aside.resolve(RunDirectory.LOG));
      String note =
          contents.fault()
              + ": the last line was not written whole, and is cut; the log as it was is in "
              + path.relativize(aside);
      return new RunRecovery(
          saved, contents.texts().size(), contents.bytes(), false, List.of(note));
    }
    if (onDamage == OnDamage.REFUSE) {
      throw new IOException(damage.text() + "; " + OPTION);
    }
    int last = damage.round() - 1;
    if (last < 0) {
      throw new IOException("no round verifies: " + damage.text());
    }
    SavedRun.Prefix kept = saved.upTo(last);
    List<String> notes = new ArrayList<>();
    Path aside = aside(path);
    setAside(path, last, aside);
    notes.add(
        "went back to round "
            + last
            + ", the last that verifies: "
            + damage.text()
            + "; what came after is in "
            + path.relativize(aside));
    return new RunRecovery(
        SavedRun.read(log, contents.texts().subList(0, kept.lines())),
        kept.lines(),
        kept.bytes(),
        true,
        notes);
  }

  /** Returns the first thing that is wrong and was not merely left undone; null if nothing is. */
  private static SavedRun.@Nullable Damage damage(
      Path path, Journal.Contents contents, SavedRun saved) throws IOException {
    SavedRun.Damage altered = saved.damage(path);
    if (altered != null) {
      return altered;
    }
    if (contents.fault() != null && !contents.isTorn()) {
      String text = path.resolve(contents.fault()) + "; it is not the end of the log: damage";
      return new SavedRun.Damage(saved.rounds().size(), text);
    }
    if (!saved.rounds().isEmpty()) { // before that it may not have been written yet
      String fault = RunViews.faultOfManifest(path, saved.opened());
      if (fault != null) {
        return new SavedRun.Damage(saved.rounds().size(), fault);
      }
    }
    return null;
  }

  /** Makes a folder for what is set aside now. */
  static Path aside(Path path) throws IOException {
    for (int i = 1; ; i++) {
      Path aside = path.resolve("aside").resolve(Integer.toString(i));
      if (!Files.exists(aside)) {
        return Files.createDirectories(aside);
      }
    }
  }

  /** Sets aside the log, the rounds after {@code last}, and the adapter that the run ended with. */
  private static void setAside(Path path, int last, Path aside) throws IOException {
    Files.copy(path.resolve(RunDirectory.LOG), aside.resolve(RunDirectory.LOG));
    Path rounds = Files.createDirectories(aside.resolve(RunDirectory.ROUNDS));
    List<Path> all;
    try (Stream<Path> list = Files.list(path.resolve(RunDirectory.ROUNDS))) {
      all = list.sorted().toList();
    }
    for (Path round : all) {
      String name = String.valueOf(round.getFileName());
      if (name.compareTo(RunDirectory.roundName(last)) > 0) {
        Files.move(round, rounds.resolve(name), StandardCopyOption.ATOMIC_MOVE);
      }
    }
    Path end = path.resolve(RunDirectory.FINAL);
    if (Files.exists(end)) {
      Files.move(end, aside.resolve(RunDirectory.FINAL), StandardCopyOption.ATOMIC_MOVE);
    }
  }
}
