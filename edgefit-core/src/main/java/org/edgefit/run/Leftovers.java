package org.edgefit.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files in a run's directory that its log does not reference. A resumed run would overwrite
 * them, so they are moved aside by name.
 */
final class Leftovers {

  private static final String ASSIGNED = "assigned";
  private static final Set<String> ANSWERS = Set.of("updates", "evaluations");

  private final Path path;
  private @Nullable String aside;

  Leftovers(Path path) {
    this.path = path;
  }

  /**
   * Returns the name of the folder that files are set aside in, which is made when it is needed.
   */
  String name() throws IOException {
    String name = aside;
    if (name == null) {
      name = RunRecovery.aside(path);
      aside = name;
    }
    return name;
  }

  void copyLog() throws IOException {
    Files.copy(path.resolve(RunDirectory.LOG), path.resolve(name()).resolve(RunDirectory.LOG));
  }

  /** Returns what is there of rounds that the log never opened, or null. */
  @Nullable String beyond(SavedRun saved) throws IOException {
    String log = path.resolve(RunDirectory.LOG).toString();
    for (Path round : list(path.resolve(RunDirectory.ROUNDS))) {
      int number = numberOf(round);
      boolean isOpen = number < saved.rounds().size() || (number == 0 && !saved.isEmpty());
      if (number == saved.rounds().size() && !isOpen) {
        // What clients are to be sent is written before the round is opened.
        isOpen =
            !saved.isEmpty()
                && (saved.openRound() != null
                    || list(round).stream().allMatch(file -> file.endsWith(ASSIGNED)));
      }
      if (number >= 0 && !isOpen) {
        return log
            + ": does not have round "
            + number
            + " (expected: it, for "
            + round
            + " exists); the log is truncated";
      }
    }
    boolean isBegun = Files.exists(path.resolve(RunViews.METRICS));
    return saved.isEmpty() && isBegun
        ? log + ": empty (expected: the log of the run that " + RunViews.METRICS + " is of)"
        : null;
  }

  /**
   * Sets aside what the log does not have; returns whether there was any.
   *
   * @param goesBack whether to move rolled-back rounds aside, with all of their files
   */
  boolean setAside(SavedRun saved, boolean goesBack) throws IOException {
    Set<String> known = saved.files();
    List<Path> left = new ArrayList<>();
    int next = saved.rounds().size();
    for (Path round : list(path.resolve(RunDirectory.ROUNDS))) {
      int number = numberOf(round);
      if (goesBack && number >= next) {
        left.add(round);
        continue;
      }
      for (Path part : list(round)) {
        if (ANSWERS.contains(part.getFileName().toString())) {
          list(part).stream()
              .filter(file -> goesBack || file.toString().endsWith(RunDirectory.SUFFIX))
              .forEach(left::add);
        } else if (number == next && number > 0 && !part.endsWith(ASSIGNED)) {
          left.addAll(Files.isDirectory(part) ? list(part) : List.of(part));
        }
      }
    }
    Path end = path.resolve(RunDirectory.FINAL);
    if (goesBack && Files.exists(end)) {
      left.add(end);
    }
    left.removeIf(file -> known.contains(relative(file)));
    for (Path file : left) {
      Path place = path.resolve(name()).resolve(relative(file));
      Files.createDirectories(place.getParent());
      Files.move(file, place, StandardCopyOption.ATOMIC_MOVE);
    }
    return !left.isEmpty();
  }

  private String relative(Path file) {
    return path.relativize(file).toString().replace('\\', '/');
  }

  private static int numberOf(Path round) {
    String name = round.getFileName().toString();
    return name.matches("[0-9]{4,9}") ? Integer.parseInt(name) : -1;
  }

  private static List<Path> list(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.sorted().toList();
    }
  }
}
