package org.edgefit.format.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the hub is, where its files go, and when it counts as silent. */
class HubSettingsTest {

  @TempDir private Path temp;

  @Test
  void cacheIsThatOfTheHubsOwnLibrary() throws IOException {
    ModelHub hub = ModelHub.standard(Map.of(), temp);
    assertThat(hub.cache()).isEqualTo(temp.resolve(".cache/huggingface/hub"));
    assertThat(hub.address()).isEqualTo(URI.create("https://huggingface.co"));
    assertThat(hub.token()).isNull();
    assertThat(hub.isOffline()).isFalse();
  }

  @Test
  void eachVariableOfTheHubsLibraryCounts() throws IOException {
    Path home = Files.createDirectories(temp.resolve("hf"));
    Files.writeString(home.resolve("token"), "from-login\n");
    assertThat(ModelHub.standard(Map.of("HF_HOME", home.toString()), temp).cache())
        .isEqualTo(home.resolve("hub"));
    assertThat(ModelHub.standard(Map.of("HF_HOME", home.toString()), temp).token())
        .isEqualTo("from-login");
    ModelHub all =
        ModelHub.standard(
            Map.of(
                "HF_HOME",
                home.toString(),
                "HF_HUB_CACHE",
                temp.resolve("elsewhere").toString(),
                "HF_TOKEN",
                "from-variable",
                "HF_ENDPOINT",
                "http://mirror:8080"),
            temp);
    assertThat(all.cache()).isEqualTo(temp.resolve("elsewhere"));
    assertThat(all.token()).isEqualTo("from-variable");
    assertThat(all.address()).isEqualTo(URI.create("http://mirror:8080"));
  }

  @ParameterizedTest
  @CsvSource({
    "1, true",
    "on, true",
    "Yes, true",
    "TRUE, true",
    "0, false",
    "'', false",
    "no, false"
  })
  void offlineIsSwitchedOnAsInTheHubsLibrary(String value, boolean isOffline) throws IOException {
    assertThat(ModelHub.standard(Map.of("HF_HUB_OFFLINE", value), temp).isOffline())
        .isEqualTo(isOffline);
  }

  @Test
  void locationsAreToldFromPaths() {
    assertThat(ModelHub.isLocation("hf:org/name")).isTrue();
    assertThat(ModelHub.isLocation("models/hf")).isFalse();
    assertThat(ModelHub.isDataLocation("hf:datasets/org/name/file.jsonl")).isTrue();
    assertThat(ModelHub.isDataLocation("hf:org/name")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf:", "hf:name", "hf:a/b/c", "hf:org/", "hf:/name", "hf:org/na me"})
  void locationThatIsSpelledOtherwiseIsRefused(String location) throws IOException {
    ModelHub hub = ModelHub.standard(Map.of("HF_HUB_OFFLINE", "1"), temp);
    assertThatThrownBy(() -> hub.download(location, (file, done, bytes) -> {}))
        .hasMessage("model: " + location + " (expected: hf:ORG/NAME or hf:ORG/NAME@REVISION)");
  }

  @Test
  void downloadIsToldInOneLine() {
    Path folder = Path.of("cache");
    assertThat(new ModelHub.Fetch("hf:o/n", 5, 270_000_000, folder))
        .hasToString("hf:o/n: 5 files, 270.0 MB, to cache");
    assertThat(new ModelHub.Fetch("hf:o/n", 1, 0, folder))
        .hasToString("hf:o/n: 1 file, 0.0 MB, to cache");
    assertThat(new ModelHub.Fetch("hf:o/n", 2, -1, folder))
        .hasToString("hf:o/n: 2 files, to cache");
  }

  @Test
  void streamThatFallsSilentIsClosedAndSaid() throws IOException {
    PipedOutputStream writer = new PipedOutputStream();
    CountDownLatch closed = new CountDownLatch(1);
    InputStream silent =
        new PipedInputStream(writer) {
          @Override
          public synchronized int read(byte[] buffer, int from, int count) throws IOException {
            try {
              assertThat(closed.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
            throw new IOException("closed");
          }

          @Override
          public void close() {
            closed.countDown();
          }
        };
    try (StallGuard guard = new StallGuard(silent, Duration.ofMillis(50))) {
      assertThatThrownBy(() -> guard.read(new byte[8])).isInstanceOf(IOException.class);
    }
  }

  @Test
  void streamThatSpeaksIsReadToItsEnd() throws IOException {
    byte[] buffer = new byte[2];
    try (StallGuard guard =
        new StallGuard(new ByteArrayInputStream(new byte[] {1, 2, 3}), Duration.ofMinutes(1))) {
      assertThat(guard.read(buffer)).isEqualTo(2);
      assertThat(guard.read(buffer)).isEqualTo(1);
      assertThat(guard.read(buffer)).isEqualTo(-1);
    }
  }
}
