package org.edgefit.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HexFormat;
import org.edgefit.file.Json;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Blocks that llama.cpp's Python package wrote and decoded. */
class GgufTypeTest {

  @ParameterizedTest
  @EnumSource(GgufType.class)
  void blockDecodesToTheBit(GgufType type) throws IOException {
    JsonNode golden = Json.read(Path.of("src/test/resources/gguf/blocks/" + type + ".json"));
    byte[] bytes = HexFormat.of().parseHex(golden.get("hex").asText().replace(" ", ""));
    JsonNode expected = golden.get("bits_hex");
    float[] values = new float[expected.size()];
    type.decode(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), 0, values, values.length);
    for (int i = 0; i < values.length; i++) {
      int bits = Integer.parseUnsignedInt(expected.get(i).asText(), 16);
      assertThat(values[i]).as("value %d", i).isEqualTo(Float.intBitsToFloat(bits));
    }
    assertThat(type.code()).isEqualTo(golden.get("type_id").asInt());
    assertThat(type.bytes(values.length)).isEqualTo(bytes.length);
  }
}
