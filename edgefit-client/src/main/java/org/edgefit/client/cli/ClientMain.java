package org.edgefit.client.cli;

import org.edgefit.internal.cli.Launcher;
import picocli.CommandLine.Command;

/** The launcher {@code edgefit-client}. */
@Command(
    name = "edgefit-client",
    description =
        "Trains LoRA adapters over a frozen 4-bit base model, alone or in a federation, and uses"
            + " them.",
    mixinStandardHelpOptions = true,
    versionProvider = Launcher.Version.class,
    subcommands = {
      CheckCommand.class,
      JoinCommand.class,
      TrainCommand.class,
      EvaluateCommand.class,
      GenerateCommand.class,
      QuantizeCommand.class,
      MergeCommand.class,
      ExportGgufCommand.class,
      PlanCommand.class,
      PrepareCommand.class,
      LogitsCommand.class
    },
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Examples:",
      "  edgefit-client join --server gateway:8080 --model models/tiny --data home.jsonl --id home-1",
      "  edgefit-client check --model models/tiny --data home.jsonl",
      "  edgefit-client train --model models/tiny --data home.jsonl --out adapters/home",
      "  edgefit-client evaluate --model models/tiny --adapter adapters/home --data test.jsonl",
      "",
      "Data are JSON Lines or a JSON array with the keys of Dolly or Alpaca, messages, or",
      "conversations; and label for classification. check shows how they are read.",
      "",
      "Exit status: 0 success, 1 failure, 2 usage error."
    })
public final class ClientMain {

  private ClientMain() {}

  /** Runs the launcher. */
  public static void main(String[] args) {
    System.exit(Launcher.execute(new ClientMain(), args));
  }
}
