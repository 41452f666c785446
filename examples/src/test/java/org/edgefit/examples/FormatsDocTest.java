package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.edgefit.client.cli.ClientMain;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of docs/formats.md leave the files that it lists. */
class FormatsDocTest {

  private static final Path DOCUMENT = Path.of("../docs/formats.md");
  private static final Pattern BLOCK = Pattern.compile("```\n(.*?)\n```", Pattern.DOTALL);

  @TempDir Path temp;

  @Test
  void commandsLeaveTheFilesThatAreListed() throws Exception {
    Files.createDirectories(temp.resolve("models"));
    Files.move(TinyHome.unpack(temp), temp.resolve("models").resolve("home"));
    SmartHomeData.training(new Seed(1), 6, 0, 0, 0).write(temp.resolve("home.jsonl"));
    Files.writeString(temp.resolve("prompts.txt"), "Turn on the lamp.\nWer ist da?\n");
    Set<String> before = files();

    List<String> blocks = new ArrayList<>();
    Matcher block = BLOCK.matcher(Files.readString(DOCUMENT));
    while (block.find()) {
      blocks.add(block.group(1));
    }
    assertThat(blocks).hasSize(2);
    for (String command : blocks.get(0).lines().toList()) {
      assertThat(command).startsWith("edgefit-client ");
      String[] arguments = command.substring("edgefit-client ".length()).split(" ", -1);
      JavaProcess ended = JavaProcess.run(temp, List.of(), ClientMain.class, arguments);
      assertThat(ended.status()).as(command + ": " + ended.err()).isZero();
    }
    Set<String> left = files();
    left.removeAll(before);
    assertThat(left).containsExactlyElementsOf(blocks.get(1).lines().toList());
  }

  private Set<String> files() throws IOException {
    try (Stream<Path> files = Files.walk(temp)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> temp.relativize(file).toString().replace(File.separatorChar, '/'))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
