package org.edgefit.federation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.edgefit.file.Sha256;
import org.edgefit.strategy.Strategy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run leaves the same files whatever the machine's language, digits and letters are. */
class LocaleTest {

  private final Locale before = Locale.getDefault();

  @TempDir Path temp;

  @AfterEach
  void setBack() {
    Locale.setDefault(before);
  }

  private Map<String, String> filesOf(Locale locale, String name) throws Exception {
    Locale.setDefault(locale);
    Path run = temp.resolve(name);
    Federation.builder()
        .strategy(Strategy.fedAvg())
        .clients(
            InProcessClients.of(
                List.of(FakeClient.adding("IN-1", 1, 3), FakeClient.adding("b", 2, 1))))
        .adapter(FakeClient.start())
        .runDirectory(run)
        .listener(RunListener.console())
        .build()
        .run(2);
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(run)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        String file = run.relativize(path).toString();
        boolean isTimed = file.matches("journal\\.log|metrics\\.jsonl|run\\.json");
        files.put(file, isTimed ? "" : Sha256.of(path));
      }
    }
    return files;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"ar-EG", "ar-EG-u-nu-arab", "tr-TR", "th-TH-u-nu-thai", "hi-IN-u-nu-deva"})
  void filesAreThoseOfAnyLocale(String tag) throws Exception {
    Map<String, String> plain = filesOf(Locale.ROOT, "plain");
    assertThat(plain).hasSizeGreaterThan(8);
    assertThat(filesOf(Locale.forLanguageTag(tag), "other")).isEqualTo(plain);
  }

  @Test
  void textOfARunHasAsciiDigits() throws Exception {
    filesOf(Locale.forLanguageTag("ar-EG-u-nu-arab"), "run");
    for (String file : List.of("journal.log", "metrics.jsonl", "run.json")) {
      assertThat(text(file)).as(file).isNotEmpty().matches("(?s)\\p{ASCII}*");
    }
  }

  private String text(String file) throws IOException {
    return Files.readString(temp.resolve("run").resolve(file), StandardCharsets.UTF_8);
  }
}
