package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InstructionDatasetTest {

  @TempDir Path temp;

  @Test
  void recordsComeBackAsTheyWere() throws IOException {
    InstructionDataset data =
        new InstructionDataset(
            List.of(
                new InstructionRecord("a \"q\"\n", "ctx", "r", "open_qa", "Normal"),
                new InstructionRecord("é€😀", null, "", null, null)));
    data.write(temp.resolve("d.jsonl"));
    assertThat(InstructionDataset.jsonl(temp.resolve("d.jsonl"))).isEqualTo(data);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'instruction':'a'} | line 2: response: missing",
        "{'instruction':3,'response':'a'} | line 2: instruction: 3",
        "{'instruction':' ','response':'a'} | line 2: instruction: empty",
        "['a'] | line 2: ARRAY",
        "{'instruction': | line 2",
      })
  void badLineIsNamed(String line, String error) throws IOException {
    Path file = temp.resolve("bad.jsonl");
    Files.writeString(
        file, "{\"instruction\":\"a\",\"response\":\"b\"}\n" + line.replace('\'', '"') + "\n");
    assertThatThrownBy(() -> InstructionDataset.jsonl(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("bad.jsonl")
        .hasMessageContaining(error);
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> InstructionDataset.jsonl(temp.resolve("none.jsonl")))
        .hasMessageContaining("none.jsonl: no such file");
  }
}
