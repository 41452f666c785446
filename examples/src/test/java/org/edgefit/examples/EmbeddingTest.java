package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** EdgeFIT in the hosts that people embed it in, each a JVM of its own. */
class EmbeddingTest {

  @TempDir Path temp;

  /** Runs a guest in a class loader of its own on a thread of the common pool. */
  private String hosted(String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:ActiveProcessorCount=4"));
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", Path.of("target", "test-classes").toString()));
    command.add(Host.class.getName());
    command.add(System.getProperty("java.class.path"));
    command.add(Guest.class.getName());
    command.add(TinyHome.unpack(temp).toString());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
    return out;
  }

  @Test
  void classLoaderOfItsOwnOnAThreadThatSeesNothingOfIt() throws Exception {
    assertThat(hosted()).containsPattern("loss \\d\\.\\d{4}");
  }

  @Test
  void trainsWithoutJnaAndSaysSoOnce() throws Exception {
    assertThat(hosted("-Djna.nosys=true", "-Djna.tmpdir=/proc/none", "-Djna.nounpack=true"))
        .containsPattern("loss \\d\\.\\d{4}")
        .containsOnlyOnce("malloc is not tuned");
  }

  @Test
  void accountWithoutAFolderLeavesNoneBehind() throws Exception {
    String cache = Path.of(System.getProperty("user.home"), ".cache", "edgefit").toString();
    assertThat(hosted("-Duser.home=?", "-Dedgefit.cache=" + cache))
        .containsPattern("loss \\d\\.\\d{4}")
        .doesNotContain("malloc is not tuned");
    assertThat(Path.of("?")).doesNotExist();
  }

  @Test
  void closingGivesThreadsFilesAndMemoryBack() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "the memory of a process on Linux");
    JavaProcess ended =
        JavaProcess.run(
            List.of("-Xmx64m"),
            OpenAndClose.class,
            TinyHome.unpack(temp).toString(),
            temp.resolve("work").toString(),
            "20");
    assertThat(ended.status()).as(ended.err()).isZero();
    List<Double> memory =
        ended
            .out()
            .lines()
            .filter(line -> line.startsWith("MB "))
            .map(line -> Double.valueOf(line.substring(3)))
            .toList();
    assertThat(memory).hasSize(20);
    // The first times load the library's code and fill the heap; after them it goes up and down.
    assertThat(median(memory.subList(15, 20)))
        .as("%s", memory)
        .isLessThan(1.05 * median(memory.subList(7, 12)));
    // What is left is the JVM's own, and JNA's.
    assertThat(ended.out().lines().filter(line -> line.startsWith("thread ")))
        .contains("thread main")
        .allMatch(line -> line.matches("thread (main|Common-Cleaner|ForkJoinPool.*|JNA Cleaner)"));
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}
