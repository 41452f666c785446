package org.edgefit.internal.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.edgefit.file.FileFault;
import org.edgefit.run.EdgeFitVersion;
import picocli.CommandLine;

/**
 * Runs a command line. Exit status 0: success; 1: failure; 2: usage error. A user error is one
 * line; only a bug prints a stack trace.
 */
public final class Launcher {

  /** gRPC's own log, which shows stack traces for what the launchers tell in a line. */
  private static final Logger GRPC_LOG = Logger.getLogger("io.grpc");

  private Launcher() {}

  /** What {@code --version} prints: EdgeFIT's version and the JVM's. */
  public static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"edgefit " + EdgeFitVersion.current(), "java " + Runtime.version()};
    }
  }

  /** Runs a command with its arguments, and returns the exit status. */
  public static int execute(Object command, String... args) {
    GRPC_LOG.setLevel(Level.OFF);
    int status =
        new CommandLine(command)
            .setParameterExceptionHandler(Launcher::explainUsage)
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setUsageHelpAutoWidth(true)
            .setExecutionExceptionHandler(Launcher::explain)
            .execute(args);
    if (System.out.checkError()) {
      System.err.println("cannot write to standard output");
      return status == CommandLine.ExitCode.OK ? CommandLine.ExitCode.SOFTWARE : status;
    }
    return status;
  }

  private static int explainUsage(CommandLine.ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    command.getErr().println(name + ": " + e.getMessage());
    CommandLine.UnmatchedArgumentException.printSuggestions(e, command.getErr());
    command.getErr().println("see: " + name + " --help");
    return CommandLine.ExitCode.USAGE;
  }

  private static int explain(Exception e, CommandLine command, CommandLine.ParseResult parsed) {
    PrintWriter err = command.getErr();
    String name = command.getCommandSpec().qualifiedName();
    if (e instanceof IllegalArgumentException) {
      err.println(name + ": " + e.getMessage());
      return CommandLine.ExitCode.USAGE;
    }
    if (e instanceof UncheckedIOException && e.getCause() instanceof IOException cause) {
      return explain(cause, command, parsed); // its own message begins with a class's name
    }
    if (e instanceof IOException || e instanceof IllegalStateException) {
      err.println(name + ": " + FileFault.message(e));
    } else if (e instanceof InterruptedException) {
      err.println(name + ": interrupted");
    } else {
      err.println(name + ": " + e);
      e.printStackTrace(err);
    }
    return CommandLine.ExitCode.SOFTWARE;
  }
}
