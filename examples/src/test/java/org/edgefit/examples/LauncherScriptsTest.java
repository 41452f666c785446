package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.edgefit.file.Json;
import org.edgefit.random.Seed;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launchers' scripts, where the system names no locale, with text that is not ASCII everywhere,
 * and with options of the user's.
 */
class LauncherScriptsTest {

  private static final String ARABIC = "باب";
  private static final String EMOJI = "🔥";

  @TempDir Path temp;
  private final Map<String, String> more = new TreeMap<>();
  private Path home;

  /** Lays the launchers out as they are packed, over this build's classes. */
  @BeforeEach
  void layOut() throws Exception {
    assumeTrue(File.separatorChar == '/', "the launchers of Unix");
    home = Files.createDirectories(temp.resolve("dist"));
    Files.createDirectories(home.resolve("bin"));
    Path lib = Files.createDirectories(home.resolve("lib"));
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest
        .getMainAttributes()
        .put(
            Attributes.Name.CLASS_PATH,
            Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> Path.of(entry).toUri().toString())
                .collect(Collectors.joining(" ")));
    new JarOutputStream(Files.newOutputStream(lib.resolve("all.jar")), manifest).close();
    for (String module : List.of("edgefit-client", "edgefit-server")) {
      Files.copy(
          Path.of("../" + module + "/src/main/dist/bin/" + module), home.resolve("bin/" + module));
    }
  }

  private String run(int status, String launcher, String... arguments) throws Exception {
    // The shell makes the arguments, as this process may itself have no locale.
    List<String> words = new ArrayList<>(List.of("exec", "sh", quoted("bin/" + launcher)));
    Stream.of(arguments).map(LauncherScriptsTest::quoted).forEach(words::add);
    Path script = home.resolve("run.sh");
    Files.writeString(script, String.join(" ", words) + "\n");
    ProcessBuilder builder = new ProcessBuilder("sh", "run.sh").directory(home.toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith("LC_") || name.startsWith("LANG"));
    environment.put("LC_ALL", "C");
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    environment.putAll(more);
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isEqualTo(status);
    return out;
  }

  private static String quoted(String word) {
    return "'" + word + "'";
  }

  @Test
  void clientReadsAndWritesUtf8() throws Exception {
    Path model = TinyHome.unpack(temp);
    StringBuilder records = new StringBuilder();
    for (int i = 0; i < 4; i++) {
      String label = i % 2 == 0 ? ARABIC : EMOJI;
      records
          .append(
              Json.line(
                  Map.of("instruction", "Is it " + i + "?", "response", label, "label", label)))
          .append('\n');
    }
    Files.writeString(home.resolve("records.jsonl"), records.toString());
    Files.writeString(home.resolve("mv.sh"), "mv records.jsonl " + ARABIC + EMOJI + ".jsonl\n");
    new ProcessBuilder("sh", "mv.sh").directory(home.toFile()).inheritIO().start().waitFor();
    String out =
        run(
            0,
            "edgefit-client",
            "evaluate",
            "--model",
            model.toString(),
            "--data",
            ARABIC + EMOJI + ".jsonl",
            "--labels",
            ARABIC + "," + EMOJI,
            "--json");
    assertThat(out)
        .contains(ARABIC + EMOJI + ".jsonl: 4 records")
        .contains("\"" + ARABIC + "\":{", "\"" + EMOJI + "\":{")
        .doesNotContain("?:", "\ufffd");
  }

  @Test
  void serverReadsAndWritesUtf8() throws Exception {
    String out =
        run(
            1,
            "edgefit-server",
            "serve",
            "--model",
            ARABIC + EMOJI,
            "--run-dir",
            "run-" + ARABIC,
            "--rounds",
            "1");
    assertThat(out).contains(ARABIC + EMOJI).doesNotContain("???", "\ufffd");
  }

  @Test
  void localeThatIsNotInstalledIsNotTaken() throws Exception {
    for (String locale : List.of("xx_XX.UTF-8", "xx_XX.ISO-8859-1", "POSIX")) {
      more.clear();
      more.put("LC_ALL", locale);
      String out = run(1, "edgefit-client", "check", "--model", home.toString(), "--data", ARABIC);
      assertThat(out).as(locale).contains(ARABIC).doesNotContain("InvalidPath");
    }
  }

  @Test
  void accountWithoutAFolderIsAskedForOne() throws Exception {
    more.put("HOME", "");
    more.put("XDG_STATE_HOME", "");
    more.put("JAVA_OPTS", "-Duser.home=?");
    Path model = TinyHome.unpack(temp);
    SmartHomeData.training(new Seed(1), 2, 0, 0, 0).write(home.resolve("records.jsonl"));
    String out =
        run(
            2,
            "edgefit-client",
            "join",
            "--server",
            "127.0.0.1:1",
            "--model",
            model.toString(),
            "--data",
            "records.jsonl",
            "--id",
            "home");
    assertThat(out).contains("--state-dir: not set, and this user has no home directory");
    assertThat(home.resolve("?")).doesNotExist();
  }

  @Test
  void heapThatOptionsNameIsTaken() throws Exception {
    more.put("JAVA_OPTS", "-Xmx32m");
    assertThat(run(0, "edgefit-client", "--version")).contains("edgefit ");
  }

  @Test
  void collectorThatOptionsNameIsTaken() throws Exception {
    for (String variable : List.of("JAVA_OPTS", "JAVA_TOOL_OPTIONS")) {
      more.clear();
      more.put(variable, "-Xlog:gc:stdout\n-XX:+UseG1GC");
      for (String launcher : List.of("edgefit-client", "edgefit-server")) {
        assertThat(run(0, launcher, "--version")).contains("Using G1", "edgefit ");
      }
    }
    more.put("JAVA_TOOL_OPTIONS", "-Xlog:gc:stdout");
    assertThat(run(0, "edgefit-server", "--version")).contains("Using Serial");
  }
}
