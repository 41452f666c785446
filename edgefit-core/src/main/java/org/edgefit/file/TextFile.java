package org.edgefit.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A UTF-8 text file, without a byte order mark. For any other kind of file, the error says what it
 * is.
 */
public final class TextFile {

  /** How much of a file is looked at to tell what it is. */
  private static final int LOOK = 512;

  private TextFile() {}

  /**
   * Returns a file's text.
   *
   * @throws IOException if it is missing, a directory, or not UTF-8 text; the message says what it
   *     is, or the line and byte that are not
   */
  public static String read(Path file) throws IOException {
    return decode(bytes(file, false), file.toString());
  }

  /**
   * Returns a file's bytes, checked to be UTF-8 text, without the mark at its start.
   *
   * @param unzips whether a file that gzip has packed is unpacked
   * @throws IOException as {@link #read} does
   */
  public static ByteBuffer bytes(Path file, boolean unzips) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IOException(file + ": a directory (expected: a file)");
    } else if (Files.notExists(file)) { // and not in a folder that cannot be looked into
      throw new NoSuchFileException(file + ": no such file");
    } else if (!Files.isReadable(file)) {
      throw new IOException(file + ": cannot be read (expected: a file that this user may read)");
    }
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw FileFault.named(file, e);
    }
    if (unzips && Gzip.isGzip(bytes)) {
      bytes = Gzip.unpacked(bytes, file);
    }
    String kind = kindOf(bytes);
    if (kind == null && isUtf16(bytes)) {
      kind = "UTF-16 text, or a binary file";
    }
    if (kind != null) {
      throw new IOException(file + ": " + kind + " (expected: UTF-8 text)");
    }
    boolean isMarked =
        bytes.length >= 3
            && bytes[0] == (byte) 0xef
            && bytes[1] == (byte) 0xbb
            && bytes[2] == (byte) 0xbf;
    return ByteBuffer.wrap(bytes, isMarked ? 3 : 0, bytes.length - (isMarked ? 3 : 0)).slice();
  }

  private static boolean isUtf16(byte[] bytes) {
    return bytes.length > 1
        && ((bytes[0] == (byte) 0xff && bytes[1] == (byte) 0xfe)
            || (bytes[0] == (byte) 0xfe && bytes[1] == (byte) 0xff)
            || (bytes[0] == 0) != (bytes[1] == 0));
  }

  /**
   * Returns what a file that is neither UTF-8 text nor weights is, if its first bytes say; else
   * null.
   */
  public static @Nullable String kindOf(byte[] bytes) {
    String start = new String(bytes, 0, Math.min(LOOK, bytes.length), StandardCharsets.ISO_8859_1);
    String lower = start.toLowerCase(Locale.ROOT).stripLeading();
    if (bytes.length == 0) {
      return "empty";
    } else if (start.startsWith("version https://git-lfs")) {
      return "a Git LFS pointer instead of the file; run git lfs pull, or download it another way";
    } else if (lower.startsWith("<!doctype html") || lower.startsWith("<html")) {
      return "an HTML page";
    } else if (start.startsWith("PK\u0003\u0004")) {
      return "a zip archive";
    } else if (Gzip.isGzip(bytes)) {
      return "gzip data";
    } else if (start.length() > 1 && start.charAt(0) == 0x80 && start.charAt(1) <= 5) {
      return "a Python pickle";
    }
    return start.startsWith("GGUF") ? "a GGUF model" : null;
  }

  /** Decodes bytes, and names the line and byte that are no UTF-8. */
  public static String decode(ByteBuffer bytes, String what) throws IOException {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    try {
      return decoder.decode(bytes.duplicate()).toString();
    } catch (CharacterCodingException e) {
      throw new IOException(what + ": " + malformed(bytes), e);
    }
  }

  private static String malformed(ByteBuffer bytes) {
    int at = firstMalformed(bytes);
    int line = 1;
    int start = 0;
    for (int i = 0; i < at; i++) {
      if (bytes.get(i) == '\n') {
        line++;
        start = i + 1;
      }
    }
    return String.format(
        Locale.ROOT,
        "line %d, byte %d: 0x%02x is not UTF-8 (expected: UTF-8 text)",
        line,
        at - start + 1,
        bytes.get(at));
  }

  /** Returns the index of the first byte that is no UTF-8, in bytes of which one is not. */
  private static int firstMalformed(ByteBuffer bytes) {
    ByteBuffer in = bytes.duplicate();
    CharBuffer out = CharBuffer.allocate(1 << 13);
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CoderResult result = decoder.decode(in, out, true);
    while (result.isOverflow()) {
      out.clear();
      result = decoder.decode(in, out, true);
    }
    return in.position();
  }
}
