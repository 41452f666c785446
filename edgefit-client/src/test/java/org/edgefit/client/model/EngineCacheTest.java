package org.edgefit.client.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
  private final EngineCache cache = new EngineCache(environment, properties);

  @BeforeEach
  void linux() {
    properties.setProperty("os.name", "Linux");
    properties.setProperty("user.home", temp.toString());
    properties.setProperty("user.name", "ann");
    properties.setProperty("java.io.tmpdir", temp.resolve("tmp").toString());
  }

  @Test
  void isWhereTheSystemKeepsCaches() {
    assertThat(cache.chosen()).isEqualTo(temp.resolve(".cache/edgefit"));
    environment.put("XDG_CACHE_HOME", "relative");
    assertThat(cache.chosen()).isEqualTo(temp.resolve(".cache/edgefit"));
    environment.put("XDG_CACHE_HOME", "/caches");
    assertThat(cache.chosen()).isEqualTo(Path.of("/caches/edgefit"));
    properties.setProperty("os.name", "Mac OS X");
    assertThat(cache.chosen()).isEqualTo(temp.resolve("Library/Caches/edgefit"));
    properties.setProperty("os.name", "Windows 11");
    environment.put("LOCALAPPDATA", "/local");
    assertThat(cache.chosen()).isEqualTo(Path.of("/local/edgefit"));
  }

  @Test
  void isWhereTheUserWantsIt() {
    environment.put("EDGEFIT_CACHE", "/a");
    assertThat(cache.chosen()).isEqualTo(Path.of("/a"));
    properties.setProperty("edgefit.cache", "/b");
    assertThat(cache.chosen()).isEqualTo(Path.of("/b"));
    assertThat(cache.isSetForDjl()).isFalse();
    environment.put("DJL_CACHE_DIR", "/c");
    assertThat(cache.isSetForDjl()).isTrue();
  }

  @Test
  void accountWithoutAHomeHasAFolderOfItsOwn() {
    properties.setProperty("user.home", "?");
    assertThat(cache.chosen()).isEqualTo(temp.resolve("tmp/home-of-ann/.cache/edgefit"));
    properties.setProperty("user.home", temp.resolve("none").toString());
    properties.setProperty("user.name", "bob");
    assertThat(cache.chosen()).isEqualTo(temp.resolve("tmp/home-of-bob/.cache/edgefit"));
  }

  @Test
  void folderThatCannotBeMadeIsNamed() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "x");
    environment.put("EDGEFIT_CACHE", file.resolve("cache").toString());
    assertThatThrownBy(cache::folder)
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
    assertThat(cache.folder()).isEqualTo(folder);
    assertThat(folder.toFile().setWritable(true)).isTrue();
  }
}
