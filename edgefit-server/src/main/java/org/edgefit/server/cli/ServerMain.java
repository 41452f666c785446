package org.edgefit.server.cli;

import org.edgefit.internal.cli.Launcher;
import picocli.CommandLine.Command;

/** The launcher {@code edgefit-server}. */
@Command(
    name = "edgefit-server",
    description = "Runs federated instruction tuning: clients join, train, and send updates.",
    mixinStandardHelpOptions = true,
    versionProvider = Launcher.Version.class,
    subcommands = ServeCommand.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Example: a run of 10 rounds, 5 clients in each, that starts when 10 have joined:",
      "  edgefit-server serve --port 8080 --model models/tiny --rounds 10 \\",
      "      --clients-per-round 5 --min-clients 10 --run-dir runs/first",
      "",
      "Exit status: 0 success, 1 failure, 2 usage error."
    })
public final class ServerMain {

  private ServerMain() {}

  /** Runs the launcher. */
  public static void main(String[] args) {
    System.exit(Launcher.execute(new ServerMain(), args));
  }
}
