package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.edgefit.data.InstructionDataset;
import org.edgefit.data.RecordFile;
import picocli.CommandLine.Option;

/** How files of records are read. */
final class DataOptions {

  @Option(
      names = "--columns",
      split = ",",
      paramLabel = "COLUMN=KEY",
      description =
          "mapping of record keys that have other names: instruction, context, response, messages,"
              + " category, label; for example instruction=question,response=answer")
  private Map<String, String> columns = new LinkedHashMap<>();

  /** Reads a file, and says on the error stream what was read, and what was not. */
  InstructionDataset read(Path file) throws IOException {
    RecordFile read = RecordFile.read(file, columns);
    System.err.println(file + ": " + read.description());
    return read.dataset();
  }
}
