package org.edgefit.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.module.ModuleDescriptor.Version;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What docs/embedding.md says of versions and hosts is what the builds run. */
class EmbeddingDocTest {

  private static final Path DOCUMENT = Path.of("../docs/embedding.md");
  private static final Path BUILD = Path.of("../pom.xml");
  private static final Path HOST = Path.of("embedding/pom.xml");
  private static final Path MATRIX = Path.of("embedding/src/matrix/Matrix.java");

  /** Returns the rows of the table whose head begins so, by their first cell. */
  private static Map<String, List<String>> table(String head) throws Exception {
    Map<String, List<String>> rows = new LinkedHashMap<>();
    boolean isInside = false;
    for (String line : Files.readAllLines(DOCUMENT)) {
      isInside = line.startsWith(head) || (isInside && line.startsWith("|"));
      if (isInside) {
        List<String> cells = Stream.of(line.split("\\|", -1)).map(String::strip).toList();
        rows.put(cells.get(1), cells.subList(2, cells.size() - 1));
      }
    }
    assertThat(rows).as(head).hasSizeGreaterThan(2);
    return rows;
  }

  /** Returns the one text that a pattern finds in a file. */
  private static String found(Path file, String pattern) throws Exception {
    Matcher matcher = Pattern.compile(pattern, Pattern.DOTALL).matcher(Files.readString(file));
    assertThat(matcher.find()).as("%s in %s", pattern, file).isTrue();
    return matcher.group(1);
  }

  /** Returns a version that the profile of the oldest libraries gives to an artifact. */
  private static String oldest(String artifact) throws Exception {
    return found(
        HOST,
        "<id>oldest</id>.*?<artifactId>"
            + artifact
            + "</artifactId>\\s*<version>([^<]+)</version>");
  }

  private static String property(String name) throws Exception {
    return found(BUILD, "<" + name + ">([^<]+)</" + name + ">");
  }

  @Test
  void oldestVersionsAreThoseThatEveryBuildRuns() throws Exception {
    Map<String, List<String>> table = table("| library | oldest |");
    assertThat(table.get("protobuf-java").get(0))
        .isEqualTo(oldest("protobuf-java"))
        .isEqualTo(property("protobuf.oldest"));
    assertThat(table.get("gRPC").get(0))
        .isEqualTo(oldest("grpc-bom"))
        .isEqualTo(property("grpc.oldest"));
    assertThat(table.get("Jackson").get(0)).isEqualTo(oldest("jackson-bom"));
    assertThat(table.get("SLF4J").get(0)).isEqualTo(oldest("slf4j-api"));
    assertThat(table.get("JNA").get(0)).isEqualTo(oldest("jna"));
    assertThat(table.get("Java").get(0)).isEqualTo(property("maven.compiler.release"));
    assertThat(table.get("DJL").get(0)).isEqualTo(property("djl.version"));
  }

  @Test
  void newestVersionsAreAtLeastOurOwn() throws Exception {
    Map<String, List<String>> table = table("| library | oldest |");
    Map<String, String> own =
        Map.of(
            "protobuf-java", "protobuf.version",
            "gRPC", "grpc.version",
            "Jackson", "jackson.version",
            "SLF4J", "slf4j.version",
            "DJL", "djl.version");
    for (Map.Entry<String, String> entry : own.entrySet()) {
      Version newest = Version.parse(table.get(entry.getKey()).get(1));
      assertThat(newest)
          .as(entry.getKey())
          .isGreaterThanOrEqualTo(Version.parse(property(entry.getValue())));
    }
  }

  @Test
  void everyHostOfTheMatrixHasItsRow() throws Exception {
    Map<String, List<String>> table = table("| host |");
    List<String> hosts =
        Pattern.compile("^    [A-Z_0-9]+\\(\"([^\"]+)\"\\)[,;]$", Pattern.MULTILINE)
            .matcher(Files.readString(MATRIX))
            .results()
            .map(result -> result.group(1))
            .toList();
    assertThat(hosts).hasSizeGreaterThan(5);
    assertThat(table.keySet()).containsAll(hosts).hasSize(hosts.size() + 2);
    assertThat(table.values().stream().flatMap(List::stream))
        .noneMatch(cell -> cell.startsWith("no ("));
  }
}
