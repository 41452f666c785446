package org.edgefit.internal.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;

/**
 * What a command did in this JVM: its exit status, and what it printed. Tests that run one hold the
 * locks of both streams.
 *
 * @param status the exit status
 * @param out the text on standard output
 * @param err the text on standard error
 */
public record CommandRun(int status, String out, String err) {

  /** Runs a launcher, or one of its commands. */
  public static CommandRun of(Object command, String... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    ByteArrayOutputStream told = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, UTF_8));
    System.setErr(new PrintStream(told, true, UTF_8));
    try {
      int status = Launcher.execute(command, args);
      System.out.flush();
      System.err.flush();
      return new CommandRun(status, printed.toString(UTF_8), told.toString(UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  /** Returns the lines of standard output. */
  public List<String> outLines() {
    return out.lines().toList();
  }

  /** Returns the lines of standard error. */
  public List<String> errLines() {
    return err.lines().toList();
  }
}
