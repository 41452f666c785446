package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of docs/data.md are read as it says. */
class DataDocTest {

  private static final Pattern BLOCK =
      Pattern.compile("```json(?: columns=(\\S+))?\n(.*?)\n```", Pattern.DOTALL);

  @TempDir Path temp;

  @Test
  void everyExampleIsRead() throws Exception {
    Matcher block = BLOCK.matcher(Files.readString(Path.of("../docs/data.md")));
    int count = 0;
    while (block.find()) {
      Map<String, String> columns = new TreeMap<>();
      if (block.group(1) != null) {
        for (String column : block.group(1).split(",", -1)) {
          String[] pair = column.split("=", -1);
          columns.put(pair[0], pair[1]);
        }
      }
      Path file = Files.writeString(temp.resolve("d" + count + ".jsonl"), block.group(2));
      RecordFile read = RecordFile.read(file, columns);
      assertThat(read.dataset().size()).as(block.group(2)).isEqualTo(1);
      assertThat(read.ignored()).isEmpty();
      count++;
    }
    assertThat(count).isEqualTo(5);
  }
}
