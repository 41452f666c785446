package org.edgefit.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;

/**
 * A list of instruction records.
 *
 * @param records the records, in order
 */
public record InstructionDataset(List<InstructionRecord> records) {

  /** Copies the list. */
  public InstructionDataset {
    records = List.copyOf(records);
  }

  /**
   * Reads records in one of the layouts that {@link RecordFile} supports. Unknown keys are ignored;
   * {@link RecordFile} lists them.
   *
   * @throws IOException naming the line and key if a record is not one
   */
  public static InstructionDataset jsonl(Path file) throws IOException {
    return RecordFile.read(file, Map.of()).dataset();
  }

  /** Writes the records, one a line, as {@link #jsonl} reads them. */
  public void write(Path file) throws IOException {
    StringBuilder text = new StringBuilder();
    for (InstructionRecord record : records) {
      ObjectNode json = Json.object();
      if (record.earlier().isEmpty()) {
        json.put("instruction", record.instruction());
        if (record.context() != null) {
          json.put("context", record.context());
        }
        json.put("response", record.response());
      } else {
        List<Message> messages = new ArrayList<>(record.earlier());
        messages.add(new Message(Message.USER, record.question()));
        messages.add(new Message(Message.ASSISTANT, record.response()));
        json.set("messages", Json.tree(messages));
      }
      if (record.category() != null) {
        json.put("category", record.category());
      }
      if (record.label() != null) {
        json.put("label", record.label());
      }
      text.append(json).append('\n');
    }
    DurableFiles.write(file, text.toString());
  }

  /** Returns the number of records. */
  public int size() {
    return records.size();
  }

  /** Returns the records that pass. */
  public InstructionDataset filter(Predicate<InstructionRecord> keep) {
    return new InstructionDataset(records.stream().filter(keep).toList());
  }

  /** Returns the different labels, sorted. */
  public List<String> labels() {
    return records.stream()
        .map(InstructionRecord::label)
        .filter(Objects::nonNull)
        .distinct()
        .sorted()
        .toList();
  }
}
