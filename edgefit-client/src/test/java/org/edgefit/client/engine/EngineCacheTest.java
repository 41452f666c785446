package org.edgefit.client.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EngineCacheTest {

  @TempDir Path temp;
  private final Map<String, String> environment = new HashMap<>();
  private final Properties properties = new Properties();

  @BeforeEach
  void linux() {
    properties.setProperty("os.name", "Linux");
    properties.setProperty("user.home", temp.toString());
    properties.setProperty("user.name", "ann");
    properties.setProperty("java.io.tmpdir", temp.resolve("tmp").toString());
  }

  private EngineCache cache() {
    return new EngineCache(environment, properties);
  }

  @Test
  void isWhereTheSystemKeepsCaches() {
    assertThat(cache().chosen()).isEqualTo(temp.resolve(".cache/edgefit"));
    environment.put("XDG_CACHE_HOME", "relative");
    assertThat(cache().chosen()).isEqualTo(temp.resolve(".cache/edgefit"));
    environment.put("XDG_CACHE_HOME", "/caches");
    assertThat(cache().chosen()).isEqualTo(Path.of("/caches/edgefit"));
    properties.setProperty("os.name", "Mac OS X");
    assertThat(cache().chosen()).isEqualTo(temp.resolve("Library/Caches/edgefit"));
    properties.setProperty("os.name", "Windows 11");
    environment.put("LOCALAPPDATA", "/local");
    assertThat(cache().chosen()).isEqualTo(Path.of("/local/edgefit"));
  }

  @Test
  void isWhereTheUserWantsIt() {
    environment.put("EDGEFIT_CACHE", "/a");
    assertThat(cache().chosen()).isEqualTo(Path.of("/a"));
    properties.setProperty("edgefit.cache", "/b");
    assertThat(cache().chosen()).isEqualTo(Path.of("/b"));
    assertThat(cache().isSetForDjl()).isFalse();
    environment.put("DJL_CACHE_DIR", "/c");
    assertThat(cache().isSetForDjl()).isTrue();
    assertThat(cache().chosen()).isEqualTo(Path.of("/c"));
  }

  @Test
  void accountWithoutAHomeHasAFolderOfItsOwn() {
    properties.setProperty("user.home", "?");
    assertThat(cache().chosen()).isEqualTo(temp.resolve("tmp/home-of-ann/.cache/edgefit"));
    properties.setProperty("user.home", temp.resolve("none").toString());
    properties.setProperty("user.name", "bob");
    assertThat(cache().chosen()).isEqualTo(temp.resolve("tmp/home-of-bob/.cache/edgefit"));
  }

  @Test
  void folderInTheTemporaryOneIsTheAccountsAlone() throws IOException {
    properties.setProperty("user.home", "?");
    Path home = temp.resolve("tmp/home-of-ann");
    assertThat(cache().folder()).isEqualTo(home.resolve(".cache/edgefit"));
    assertThat(cache().folder()).isDirectory();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home)))
        .isEqualTo("rwx------");
    Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> cache().folder())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(home + ": others may write there");
  }

  @Test
  void librariesOfJnaAreUnpackedOnce() throws IOException {
    Path folder = cache().jna(new ByteArrayInputStream(new byte[] {1, 2}), "5-linux", "lib.so");
    assertThat(folder).isEqualTo(temp.resolve(".cache/edgefit/jna/5-linux"));
    assertThat(cache().jna(InputStream.nullInputStream(), "5-linux", "lib.so")).isEqualTo(folder);
    assertThat(folder.resolve("lib.so")).hasBinaryContent(new byte[] {1, 2});
    assertThat(cache().size()).isEqualTo(2);
  }

  @Test
  void folderThatCannotBeMadeIsNamed() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "x");
    environment.put("EDGEFIT_CACHE", file.resolve("cache").toString());
    assertThatThrownBy(() -> cache().folder())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the engine's cache: " + file.resolve("cache"))
        .hasMessageContaining("EDGEFIT_CACHE names another");
  }

  @Test
  void folderThatHoldsSomethingNeedNotBeWritable() throws IOException {
    Path folder = Files.createDirectories(temp.resolve("cache"));
    Files.writeString(folder.resolve("pytorch"), "x");
    environment.put("EDGEFIT_CACHE", folder.toString());
    assertThat(folder.toFile().setWritable(false, false)).isTrue();
    assertThat(cache().folder()).isEqualTo(folder);
    assertThat(folder.toFile().setWritable(true)).isTrue();
  }
}
