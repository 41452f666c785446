package org.edgefit.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordFileTest {

  private static final InstructionRecord RECORD =
      new InstructionRecord("Is it on?", "The lamp.", "Yes.", null, null);

  @TempDir Path temp;

  private RecordFile read(String text, Map<String, String> columns) throws IOException {
    Path file = temp.resolve("d.jsonl");
    Files.writeString(file, text.replace('\'', '"'));
    return RecordFile.read(file, columns);
  }

  private static InstructionRecord one(RecordFile file) {
    assertThat(file.dataset().size()).isEqualTo(1);
    return file.dataset().records().get(0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'instruction':'Is it on?','context':'The lamp.','response':'Yes.'}",
        "{'instruction':'Is it on?','input':'The lamp.','output':'Yes.'}",
        "{'instruction':'Is it on?','input':'The lamp.','response':'Yes.'}",
        "\uFEFF{'instruction':'Is it on?','context':'The lamp.','response':'Yes.'}\r\n",
        "[{'instruction':'Is it on?','context':'The lamp.','response':'Yes.'}]",
        "\n [\n{'instruction':'Is it on?',\n'input':'The lamp.','output':'Yes.'}\n]\n",
      })
  void layoutsThatPeopleHaveAreRead(String text) throws IOException {
    assertThat(one(read(text, Map.of()))).isEqualTo(RECORD);
  }

  @Test
  void packedFileIsRead() throws IOException {
    Path file = temp.resolve("d.jsonl.gz");
    try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write("{\"instruction\":\"a\",\"response\":\"b\"}".getBytes(StandardCharsets.UTF_8));
    }
    assertThat(one(RecordFile.read(file, Map.of())).response()).isEqualTo("b");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 9));
    assertThatThrownBy(() -> RecordFile.read(file, Map.of()))
        .hasMessageContaining("d.jsonl.gz: corrupt gzip");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messages':[{'role':'system','content':'S'},{'role':'user','content':'one'},"
            + "{'role':'assistant','content':'1'},{'role':'user','content':'two'},"
            + "{'role':'assistant','content':[{'type':'text','text':'2'}]}],'id':7}",
        "{'conversations':[{'from':'system','value':'S'},{'from':'human','value':'one'},"
            + "{'from':'gpt','value':'1'},{'from':'human','value':'two'},"
            + "{'from':'gpt','value':'2'}],'id':7}"
      })
  void lastAnswerOfAConversationIsLearnedAndThatIsSaid(String text) throws IOException {
    RecordFile file = read(text, Map.of());
    assertThat(one(file))
        .isEqualTo(
            new InstructionRecord(
                "two",
                null,
                "2",
                null,
                null,
                List.of(
                    new Message("system", "S"),
                    new Message("user", "one"),
                    new Message("assistant", "1"))));
    assertThat(file.description())
        .startsWith("1 record: ")
        .contains("messages")
        .endsWith("; ignored: id (1); only the last assistant turn is trained on, 1 are not");
    file.dataset().write(temp.resolve("again.jsonl"));
    assertThat(InstructionDataset.jsonl(temp.resolve("again.jsonl"))).isEqualTo(file.dataset());
  }

  @Test
  void keysThatAreCalledOtherwiseAreNamed() throws IOException {
    RecordFile file =
        read(
            "{'question':'a','answer':'b','Context':'c','n':1}",
            Map.of("instruction", "question", "response", "answer", "context", "Context"));
    assertThat(one(file)).isEqualTo(new InstructionRecord("a", "c", "b", null, null));
    assertThat(file.description())
        .isEqualTo(
            "1 record: question as instruction, Context as context, answer as response;"
                + " ignored: n (1)");
    assertThatThrownBy(() -> read("{'instruction':'a','response':'b'}", Map.of("prompt", "x")))
        .hasMessageContaining("columns: prompt (expected: some of [instruction, context,");
    assertThatThrownBy(() -> read("{'instruction':'a','response':'b'}", Map.of("context", "x")))
        .hasMessageContaining("x: not found (expected: the contexts)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'instruction':'a','Context':'c','response':'b'} | line 1: key \"Context\" (expected: context",
        "{'instruction':'a','response':'b','output':'c'}  | line 1: response and output (expected: one",
        "{'instruction':'a','response':'b'}~{'instruction':'a','output':'c'}"
            + " | line 2: output (expected: response, the response in",
        "{'instruction':'a','response':'b'}~{'messages':[{'role':'user','content':'a'}]}"
            + " | line 2: messages (expected: instruction, as in",
        "{'instruction':'a','response':'b\\ude00c'} | line 1: response: unpaired surrogate U+DE00 at character 2",
        "{'messages':[{'role':'user','content':[{'type':'image','text':'a'}]}]} | messages[0]",
        "{'prompt':'a','completion':'b'} | line 1: keys [prompt, completion] (expected: instruction and",
        "{'instruction':'a','response':null} | line 1: response: missing",
        "{'instruction':'a','response':['b']} | line 1: response: [\"b\"] (expected: a string)",
        "{'instruction':'a','response':'b','label':' '} | line 1: label: empty (expected: a class",
        "{'instruction':'a','response':'b','response':'c'} | key \"response\" is duplicated",
        "{'instruction':'a',~ | line 1, column 20: truncated",
        "{'instruction' 'a'} | line 1, column 16: not JSON (expected: a JSON object)",
        "[{'instruction':'a','response':'b'},3] | item 2: NUMBER (expected: an object)",
        "[{'instruction':'a','response':'b'}    | truncated",
        "{'messages':[]} | line 1: messages: [] (expected: messages)",
        "{'messages':[{'role':'user','content':'a'}]} | the last is user (expected: assistant",
        "{'messages':[{'role':'user','content':'a'},{'role':'user','content':'b'}]}"
            + " | messages[1]: role user (expected: assistant",
        "{'messages':[{'role':'tool','content':'a'}]} | messages[0]: role \"tool\" (expected: system,",
      })
  void whatIsNoRecordIsRefusedByItsPlace(String text, String message) {
    assertThatThrownBy(() -> read(text.replace('~', '\n'), Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("d.jsonl")
        .hasMessageContaining(message)
        .message()
        .doesNotContain("jackson", "StreamReadFeature", "REDACTED");
  }

  @Test
  void fileThatIsSomethingElseIsRefusedByWhatItIs() throws IOException {
    Map<byte[], String> files =
        Map.of(
            new byte[0],
            "empty",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
                .getBytes(StandardCharsets.UTF_8),
            "a Git LFS",
            "<!DOCTYPE html><html>".getBytes(StandardCharsets.UTF_8),
            "an HTML page",
            "{\"instruction\":\"a\"}".getBytes(StandardCharsets.UTF_16),
            "UTF-16 text",
            "PK\u0003\u0004xx".getBytes(StandardCharsets.ISO_8859_1),
            "a zip archive",
            new byte[] {(byte) 0x80, 4, (byte) 0x95, 1},
            "a Python pickle");
    for (Map.Entry<byte[], String> entry : files.entrySet()) {
      Path file = temp.resolve("x.jsonl");
      Files.write(file, entry.getKey());
      assertThatThrownBy(() -> RecordFile.read(file, Map.of()))
          .hasMessageContaining("x.jsonl: " + entry.getValue());
    }
    assertThatThrownBy(() -> RecordFile.read(temp, Map.of()))
        .hasMessage(temp + ": a directory (expected: a file)");
  }

  @Test
  void badByteIsNamedByLineAndByte() throws IOException {
    Path file = temp.resolve("b.jsonl");
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 600; i++) {
      text.append("{\"instruction\":\"a\",\"response\":\"é\"}\n");
    }
    text.append("{\"instruction\":\"é?\",\"response\":\"b\"}\n");
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '?') {
        bytes[i] = (byte) 0xff;
      }
    }
    Files.write(file, bytes);
    assertThatThrownBy(() -> RecordFile.read(file, Map.of()))
        .hasMessage(file + ": line 601, byte 19: 0xff is not UTF-8 (expected: UTF-8 text)");
  }

  @Test
  void recordsWithoutALabelAmongOthersAreCounted() throws IOException {
    RecordFile file =
        read(
            "{'instruction':'a','response':'b','label':'b'}\n"
                + "{'instruction':'c','response':'b','lable':'b'}",
            Map.of());
    assertThat(file.description()).endsWith("ignored: lable (1); 1 without a label");
  }

  @Test
  void emptyResponsesAreCounted() throws IOException {
    RecordFile file =
        read("{'instruction':'a','response':'b'}\n{'instruction':'c','response':' '}", Map.of());
    assertThat(file.description())
        .isEqualTo("2 records: instruction, response; 1 empty response, the first in record 2");
  }

  @Test
  void keysOfMessagesThatAreNotReadAreCounted() throws IOException {
    RecordFile file =
        read(
            "{'messages':[{'role':'user','content':'a','name':'me'},{'role':'assistant',"
                + "'content':'b','tool_calls':[{'id':1}],'reasoning_content':null}]}",
            Map.of());
    assertThat(file.description())
        .contains("ignored: messages[].name (1), messages[].tool_calls (1)");
  }

  @Test
  void gzipIsReadToItsLastByte() throws IOException {
    byte[] one = packed("{\"instruction\":\"a\",\"response\":\"b\"}\n");
    byte[] other = packed("{\"instruction\":\"c\",\"response\":\"d\"}\n");
    assertThat(gzip(one, other, new byte[5]).dataset().size()).isEqualTo(2);
    other[1] = 0;
    assertThatThrownBy(() -> gzip(one, other))
        .hasMessageContaining("corrupt gzip at byte " + one.length + ": damaged");
    assertThatThrownBy(() -> gzip(one, "more".getBytes(StandardCharsets.UTF_8)))
        .hasMessageContaining("corrupt gzip at byte " + one.length);
    one[one.length - 6] ^= 1;
    assertThatThrownBy(() -> gzip(one)).hasMessageContaining("damaged");
  }

  private static byte[] packed(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private RecordFile gzip(byte[]... parts) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return RecordFile.read(Files.write(temp.resolve("d.gz"), all.toByteArray()), Map.of());
  }

  @Test
  void longTextsAreReadAndDeepOnesAreRefusedByName() throws IOException {
    String text = "x".repeat(21_000_000);
    assertThat(one(read("{'instruction':'a','response':'" + text + "'}", Map.of())).response())
        .hasSize(text.length());
    assertThatThrownBy(
            () -> read("{'instruction':'a','response':'b','c':" + "[".repeat(3000) + "}", Map.of()))
        .hasMessageContaining("line 1: nested more than 1000 deep");
  }
}
