package org.edgefit.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.edgefit.file.TextFile;

/**
 * The terms of a field, for selecting records by topic: single words or phrases.
 *
 * @param terms at least one, none without a word
 */
public record Lexicon(List<String> terms) {

  /** Copies the list. */
  public Lexicon {
    terms = List.copyOf(terms);
    if (terms.isEmpty()) {
      throw new IllegalArgumentException("lexicon: empty (expected: at least one term)");
    }
    for (String term : terms) {
      if (Words.of(term).isEmpty()) {
        throw new IllegalArgumentException(
            "lexicon: \"" + term + "\" (expected: a term with a word)");
      }
    }
  }

  /** Returns the lexicon of smart homes that lies with this class, {@code iot-lexicon.txt}. */
  public static Lexicon smartHome() {
    try (InputStream stream = Lexicon.class.getResourceAsStream("iot-lexicon.txt")) {
      if (stream == null) {
        throw new IllegalStateException("iot-lexicon.txt: not among this jar's resources");
      }
      return parse(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("iot-lexicon.txt", e);
    }
  }

  /** Reads a file with a term on each line; blank lines and what follows a # are passed over. */
  public static Lexicon read(Path file) throws IOException {
    try {
      return parse(TextFile.read(file));
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  private static Lexicon parse(String text) {
    return new Lexicon(
        text.lines()
            .map(line -> line.replaceFirst("#.*", "").strip())
            .filter(line -> !line.isEmpty())
            .toList());
  }
}
