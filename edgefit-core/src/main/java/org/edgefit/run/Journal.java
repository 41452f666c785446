package org.edgefit.run;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * An append-only log of lines, each durable before the next step. A line is
 *
 * <pre>
 * LENGTH CRC32C TEXT
 * </pre>
 *
 * <p>with the bytes of the text and their CRC32C in eight hexadecimal digits each, and a text
 * without line breaks. A crash during a write leaves an incomplete last line: it is torn, and can
 * be truncated. Any other incomplete line is corruption.
 */
final class Journal implements Closeable {

  private static final int PREFIX = 18;

  private final Path path;
  private final RandomAccessFile file; // not a channel, which an interrupt would close
  private long end;
  private @Nullable IOException broken;

  private Journal(Path path, RandomAccessFile file, long end) {
    this.path = path;
    this.file = file;
    this.end = end;
  }

  /**
   * What a journal holds.
   *
   * @param texts the lines that are whole, in order, up to the first that is not
   * @param bytes the bytes that they take
   * @param fault what is wrong with the line after them; null if that is the end
   * @param isTorn whether that is the last line, as a stopped machine leaves it
   */
  record Contents(List<String> texts, long bytes, @Nullable String fault, boolean isTorn) {}

  /** Reads a journal, which may be missing. */
  static Contents read(Path path) throws IOException {
    byte[] bytes = Files.exists(path) ? Files.readAllBytes(path) : new byte[0];
    List<String> texts = new ArrayList<>();
    int at = 0;
    while (at < bytes.length) {
      int newline = at;
      while (newline < bytes.length && bytes[newline] != '\n') {
        newline++;
      }
      String fault = fault(bytes, at, newline);
      if (fault != null) {
        String where =
            path.getFileName() + ":" + (texts.size() + 1) + ": byte " + at + ": " + fault;
        return new Contents(texts, at, where, isTorn(bytes, at, newline));
      }
      int start = at + PREFIX;
      texts.add(new String(bytes, start, newline - start, StandardCharsets.UTF_8));
      at = newline + 1;
    }
    return new Contents(texts, at, null, false);
  }

  /** Returns what is wrong with the line from {@code at} to {@code newline}, or null. */
  private static @Nullable String fault(byte[] bytes, int at, int newline) {
    if (newline - at < PREFIX) {
      return newline - at + " bytes (expected: length, CRC32C and text)";
    }
    String prefix = new String(bytes, at, PREFIX, StandardCharsets.ISO_8859_1);
    if (!prefix.matches("[0-9a-f]{8} [0-9a-f]{8} ")) {
      return "no length and CRC32C at its start";
    }
    long length = Long.parseLong(prefix.substring(0, 8), 16);
    if (length != newline - at - PREFIX) {
      return newline - at - PREFIX + " bytes of text (expected: " + length + ")";
    }
    String actual = crc(ByteBuffer.wrap(bytes, at + PREFIX, newline - at - PREFIX));
    if (!actual.equals(prefix.substring(9, 17))) {
      return "CRC32C " + actual + " (expected: " + prefix.substring(9, 17) + ")";
    }
    return newline == bytes.length ? "no newline" : null;
  }

  /**
   * Returns whether a faulty line is what a stopped machine leaves: one that is the last, has no
   * end and is no longer than its own length says. Any other was whole once.
   */
  private static boolean isTorn(byte[] bytes, int at, int newline) {
    if (newline < bytes.length) {
      return false;
    }
    String prefix = new String(bytes, at, Math.min(8, newline - at), StandardCharsets.ISO_8859_1);
    return !prefix.matches("[0-9a-f]{8}") || newline - at - PREFIX <= Long.parseLong(prefix, 16);
  }

  /** Returns the bytes that a line with this text takes. */
  static long bytesOf(String text) {
    return PREFIX + text.getBytes(StandardCharsets.UTF_8).length + 1L;
  }

  private static String crc(ByteBuffer text) {
    CRC32C crc = new CRC32C();
    crc.update(text);
    return String.format(Locale.ROOT, "%08x", crc.getValue());
  }

  /** Opens a journal, new or with this many whole bytes, to write on after them. */
  static Journal open(Path path, long end) throws IOException {
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
    try {
      file.setLength(end);
      file.getFD().sync();
      return new Journal(path, file, end);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * Appends a line, and forces it to disk.
   *
   * @throws IOException if it cannot be written; then the journal ends where it ended before
   */
  synchronized void append(String text) throws IOException {
    if (broken != null) {
      throw new IOException(path + ": no longer written: " + broken.getMessage(), broken);
    }
    if (!Files.exists(path)) {
      broken = new IOException(path + ": deleted (expected: the open log of the run)");
      throw broken;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    String prefix =
        String.format(Locale.ROOT, "%08x %s ", bytes.length, crc(ByteBuffer.wrap(bytes)));
    ByteBuffer line = ByteBuffer.allocate(PREFIX + bytes.length + 1);
    line.put(prefix.getBytes(StandardCharsets.US_ASCII)).put(bytes).put((byte) '\n');
    try {
      file.seek(end);
      file.write(line.array());
      file.getFD().sync();
      end += line.capacity();
    } catch (IOException e) {
      IOException said = new IOException(path + ": cannot be written: " + e.getMessage(), e);
      broken = said;
      try { // half a line is cut at the next start anyway
        file.setLength(end);
      } catch (IOException again) {
        said.addSuppressed(again);
      }
      throw said;
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
