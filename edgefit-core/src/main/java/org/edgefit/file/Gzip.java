package org.edgefit.file;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Files that gzip has packed (RFC 1952), to their last byte: what follows a member is another
 * member or padding with zeros, and anything else is an error, where the JDK's stream would end.
 */
final class Gzip {

  private static final int HEADER = 10;
  private static final int TRAILER = 8;
  private static final int WITH_CRC = 2;
  private static final int WITH_EXTRA = 4;
  private static final int WITH_NAME = 8;
  private static final int WITH_COMMENT = 16;

  private Gzip() {}

  static boolean isGzip(byte[] bytes) {
    return bytes.length > 1 && bytes[0] == 0x1f && bytes[1] == (byte) 0x8b;
  }

  /**
   * Returns what was packed.
   *
   * @throws IOException if the file is cut short or damaged
   */
  static byte[] unpacked(byte[] bytes, Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    while (in.hasRemaining()) {
      if (out.size() > 0 && isPadding(in)) {
        break;
      }
      header(in, file);
      member(in, out, file);
    }
    return out.toByteArray();
  }

  private static boolean isPadding(ByteBuffer in) {
    for (int i = in.position(); i < in.limit(); i++) {
      if (in.get(i) != 0) {
        return false;
      }
    }
    return true;
  }

  private static void header(ByteBuffer in, Path file) throws IOException {
    int start = in.position();
    if (in.remaining() < HEADER + TRAILER) {
      throw broken(file, start, "it has no end");
    }
    boolean isGzip = in.getShort() == (short) 0x8b1f && in.get() == 8;
    int flags = in.get();
    if (!isGzip || (flags & 0xe0) != 0) {
      throw broken(file, start, "damaged");
    }
    in.position(start + HEADER);
    if ((flags & WITH_EXTRA) != 0) {
      skip(in, Short.toUnsignedInt(in.getShort()), file);
    }
    int texts = Integer.bitCount(flags & (WITH_NAME | WITH_COMMENT));
    while (texts > 0 && in.hasRemaining()) {
      texts -= in.get() == 0 ? 1 : 0; // a text ends with a zero
    }
    if ((flags & WITH_CRC) != 0) {
      skip(in, 2, file);
    }
  }

  private static void skip(ByteBuffer in, int bytes, Path file) throws IOException {
    if (bytes > in.remaining()) {
      throw broken(file, in.position(), "it has no end");
    }
    in.position(in.position() + bytes);
  }

  private static void member(ByteBuffer in, ByteArrayOutputStream out, Path file)
      throws IOException {
    int start = in.position();
    Inflater inflater = new Inflater(true);
    try {
      inflater.setInput(in);
      CRC32 crc = new CRC32();
      byte[] part = new byte[1 << 16];
      while (!inflater.finished()) {
        int count = inflater.inflate(part);
        if (count == 0 && !inflater.finished()) {
          throw broken(file, start, "it has no end");
        }
        crc.update(part, 0, count);
        out.write(part, 0, count);
      }
      if (in.remaining() < TRAILER) {
        throw broken(file, start, "it has no end");
      }
      if (in.getInt() != (int) crc.getValue() || in.getInt() != (int) inflater.getBytesWritten()) {
        throw broken(file, start, "damaged");
      }
    } catch (DataFormatException e) {
      throw broken(file, start, "damaged");
    } finally {
      inflater.end();
    }
  }

  private static IOException broken(Path file, int at, String how) {
    return new IOException(
        file + ": corrupt gzip at byte " + at + ": " + how + " (expected: a whole file)");
  }
}
