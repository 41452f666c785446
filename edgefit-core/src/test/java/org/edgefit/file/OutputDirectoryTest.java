package org.edgefit.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputDirectoryTest {

  @TempDir Path temp;

  private static void write(Path path, boolean overwrite, String name) throws IOException {
    try (OutputDirectory output = OutputDirectory.open(path, overwrite)) {
      Files.writeString(output.path().resolve(name), "x");
      output.publish();
    }
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void whatIsThereIsReplacedOnlyIfThatIsWanted() throws IOException {
    Path out = temp.resolve("new/model");
    write(out, false, "a");
    assertThatThrownBy(() -> OutputDirectory.open(out, false))
        .hasMessage(
            out + ": holds a (expected: a new or empty directory, or --overwrite to replace it)");
    write(out, true, "b");
    assertThat(names(out)).containsExactly("b");
    assertThat(names(out.getParent())).containsExactly("model");
  }

  @Test
  void emptyDirectoryIsFilledWhereItIs() throws IOException {
    Path out = Files.createDirectory(temp.resolve("out"));
    Object before = Files.readAttributes(out, BasicFileAttributes.class).fileKey();
    write(out, false, "a");
    assertThat(names(out)).containsExactly("a");
    assertThat(Files.readAttributes(out, BasicFileAttributes.class).fileKey()).isEqualTo(before);
  }

  @Test
  void nothingIsLeftOfWhatWasNotFinished() throws IOException {
    Path out = Files.createDirectory(temp.resolve("out"));
    try (OutputDirectory output = OutputDirectory.open(out, false)) {
      Files.writeString(output.path().resolve("half"), "x");
    }
    assertThat(names(temp)).containsExactly("out");
    assertThat(names(out)).isEmpty();
    Path file = Files.writeString(temp.resolve("file"), "x");
    assertThatThrownBy(() -> OutputDirectory.open(file, true))
        .hasMessage(file + ": a file (expected: a new directory)");
  }

  @Test
  void whatIsReadIsNotReplaced() throws IOException {
    Path model = Files.createDirectories(temp.resolve("all/model"));
    Path data = Files.writeString(temp.resolve("all/d.jsonl"), "x");
    for (Path out : List.of(model, temp.resolve("all"))) {
      assertThatThrownBy(() -> OutputDirectory.open(out, true, data, model))
          .hasMessageStartingWith(out + ": contains the input ");
    }
    assertThat(names(temp.resolve("all"))).containsExactly("d.jsonl", "model");
    write(temp.resolve("all/other"), true, "a");
  }

  @Test
  void placeThatCannotBeMadeIsRefusedBeforeTheWork() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "x");
    assertThatThrownBy(() -> OutputDirectory.require(file.resolve("sub"), false))
        .hasMessageContaining("cannot create in " + file + ", a file");
    Path link = Files.createSymbolicLink(temp.resolve("link"), temp.resolve("nowhere"));
    assertThatThrownBy(() -> OutputDirectory.require(link, true))
        .hasMessageContaining("a dangling link");
  }

  @Test
  void linkStaysALink() throws IOException {
    Path real = Files.createDirectory(temp.resolve("real"));
    Path link = Files.createSymbolicLink(temp.resolve("link"), real);
    write(link, false, "a");
    write(link, true, "b");
    assertThat(link).isSymbolicLink();
    assertThat(names(real)).containsExactly("b");
  }
}
