package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Our quantisation against numbers that bitsandbytes made. */
class Nf4GoldenTest {

  private static JsonNode resource(String name) throws IOException {
    try (InputStream in = Nf4GoldenTest.class.getResourceAsStream("/hf-fixtures/" + name)) {
      return new ObjectMapper().readTree(in);
    }
  }

  static List<String> cases() throws IOException {
    List<String> names = new ArrayList<>();
    resource("nf4_golden.json").fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static float[] floats(JsonNode node) {
    float[] values = new float[node.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) node.get(i).asDouble();
    }
    return values;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void codesAndScalesAreByteExact(String name) throws IOException {
    JsonNode golden = resource("nf4_golden.json").get(name);
    float[] values = floats(golden.get("w"));
    byte[] packed = new byte[(values.length + 1) / 2];
    float[] absmax = new float[Nf4.blocks(values.length)];

    Nf4.encode(FloatBuffer.wrap(values), 0, values.length, ByteBuffer.wrap(packed), 0, absmax);

    int[] unsigned = new int[packed.length];
    int[] expected = new int[packed.length];
    for (int i = 0; i < packed.length; i++) {
      unsigned[i] = packed[i] & 0xff;
      expected[i] = golden.get("packed").get(i).asInt();
    }
    assertThat(unsigned).isEqualTo(expected);
    assertThat(absmax).isEqualTo(floats(golden.get("absmax")));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void decodedValuesAreExact(String name) throws IOException {
    JsonNode golden = resource("nf4_golden.json").get(name);
    float[] values = floats(golden.get("w"));
    byte[] packed = new byte[(values.length + 1) / 2];
    float[] absmax = new float[Nf4.blocks(values.length)];
    Nf4.encode(FloatBuffer.wrap(values), 0, values.length, ByteBuffer.wrap(packed), 0, absmax);

    float[] decoded =
        new Nf4Weight(ByteBuffer.wrap(packed), new Scales.Plain(absmax), 1, values.length).decode();

    // The reference rounds its result to the type of the weight.
    float rounding = name.endsWith("bfloat16") ? 0x1p-8f : name.endsWith("float16") ? 0x1p-10f : 0;
    float[] expected = floats(golden.get("dequant"));
    for (int i = 0; i < expected.length; i++) {
      assertThat(decoded[i])
          .as("value %d", i)
          .isCloseTo(expected[i], within(Math.abs(expected[i]) * rounding));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void doubleQuantisedScalesAreWithinOneCode(String name) throws IOException {
    JsonNode golden = resource("nf4_golden.json").get(name);
    float[] absmax = floats(golden.get("absmax"));

    Scales.Nested nested = Scales.Nested.of(absmax);

    assertThat((double) nested.offset()).isCloseTo(golden.get("offset").asDouble(), within(2e-4));
    for (int i = 0; i < absmax.length; i++) {
      assertThat(nested.codes()[i] & 0xff)
          .as("code %d", i)
          .isCloseTo(golden.get("dq_absmax_u8").get(i).asInt(), within(1));
    }
  }

  @Test
  void codebooksAreThoseOfBitsAndBytes() throws IOException {
    JsonNode books = resource("codebooks.json");
    assertThat(Nf4.LEVELS).isEqualTo(floats(books.get("nf4")));
    assertThat(DynamicMap.SIGNED).isEqualTo(floats(books.get("dynamic256")));
  }

  @Test
  void midpointTakesTheLowerCode() {
    float middle = (float) (((double) Nf4.LEVELS[3] + Nf4.LEVELS[4]) / 2);
    byte[] packed = new byte[1];
    Nf4.encode(
        FloatBuffer.wrap(new float[] {1, middle}), 0, 2, ByteBuffer.wrap(packed), 0, new float[1]);
    assertThat(packed[0] & 15).isEqualTo(3);
  }

  @Test
  void blockOfZerosStaysZero() {
    byte[] packed = new byte[32];
    float[] absmax = new float[1];
    Nf4.encode(FloatBuffer.allocate(64), 0, 64, ByteBuffer.wrap(packed), 0, absmax);
    float[] decoded =
        new Nf4Weight(ByteBuffer.wrap(packed), new Scales.Plain(absmax), 1, 64).decode();
    assertThat(decoded).containsOnly(0f);
  }

  @Test
  void anyRangeDecodesToTheValuesOfTheWhole() {
    SplittableRandom random = new SplittableRandom(1);
    float[] values = new float[401];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-3, 3);
    }
    ByteBuffer packed = ByteBuffer.allocate(201);
    Scales absmax = new Scales.Plain(new float[Nf4.blocks(values.length)]);
    Nf4.encode(FloatBuffer.wrap(values), 0, 401, packed, 0, ((Scales.Plain) absmax).absmax());
    float[] whole = new Nf4Weight(packed, absmax, 1, 401).decode();
    for (int from = 0; from < 140; from += 7) {
      for (int to : new int[] {from + 1, from + 64, 400, 401}) {
        float[] part = new float[to - from + 2];
        Nf4.decode(packed, absmax, from, to, FloatBuffer.wrap(part), 2);
        assertThat(Arrays.copyOfRange(part, 2, part.length))
            .isEqualTo(Arrays.copyOfRange(whole, from, to));
        ByteBuffer halves = ByteBuffer.allocate(2 * (to - from + 2)).order(ByteOrder.nativeOrder());
        Nf4.decodeHalves(packed, absmax, from, to, halves, 2);
        for (int i = from; i < to; i++) {
          float half = Float.intBitsToFloat(halves.getShort(2 * (i - from + 2)) << 16);
          assertThat(half).isCloseTo(whole[i], within(Math.abs(whole[i]) / 256));
        }
      }
    }
  }
}
