package org.edgefit.client.cli;

import picocli.CommandLine.Option;

/** How a command treats a directory that is there already. */
final class OutputOptions {

  @Option(
      names = "--overwrite",
      description = "replace the directory's content; else it must be new or empty")
  private boolean overwrite;

  boolean overwrite() {
    return overwrite;
  }
}
