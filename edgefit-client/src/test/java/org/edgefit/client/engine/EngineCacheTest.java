package org.edgefit.client.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
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
  void isWhereTheUserWantsIt() throws IOException {
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
        .hasMessageContaining(home + ": writable by others");
  }

  @Test
  void homeThatTheSystemDoesNotKnowIsThatOfTheEnvironment() throws IOException {
    Files.createDirectory(temp.resolve("given"));
    properties.setProperty("user.home", "?");
    environment.put("HOME", temp.resolve("given").toString());
    assertThat(cache().chosen()).isEqualTo(temp.resolve("given/.cache/edgefit"));
  }

  @Test
  void variableOfDjlThatIsEmptyIsRefused() {
    environment.put("DJL_CACHE_DIR", "");
    assertThatThrownBy(() -> cache().isSetForDjl())
        .isInstanceOf(IOException.class)
        .hasMessage("DJL_CACHE_DIR: empty (expected: a folder, or not set)");
  }

  @Test
  void librariesOfJnaLieByTheirContent() throws IOException {
    Path one = cache().jna(new byte[] {1, 2}, "lib.so");
    Path other = cache().jna(new byte[] {1, 3}, "lib.so");
    assertThat(one).startsWith(temp.resolve(".cache/edgefit/jna")).isNotEqualTo(other);
    assertThat(one.resolve("lib.so")).hasBinaryContent(new byte[] {1, 2});
    Files.write(one.resolve("lib.so"), new byte[] {1});
    assertThat(cache().jna(new byte[] {1, 2}, "lib.so")).isEqualTo(one);
    assertThat(one.resolve("lib.so")).hasBinaryContent(new byte[] {1, 2});
    assertThat(one).isDirectoryContaining(path -> path.endsWith("lib.so"));
    assertThat(cache().size()).isEqualTo(4);
  }

  /** Fills the cache with a library of three bytes. */
  private Path filled() throws IOException {
    Path library = temp.resolve(".cache/edgefit/pytorch/2.7.1/libtorch.so");
    Files.createDirectories(library.getParent());
    Files.write(library, new byte[3]);
    return library;
  }

  @Test
  void libraryThatIsNotWholeIsNamed() throws IOException {
    Path library = filled();
    cache().note();
    assertThat(cache().folder()).isDirectory();
    Files.write(library, new byte[2]);
    assertThatThrownBy(() -> cache().folder())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(library + ": 2 bytes (expected: 3 bytes; delete ");
    Files.delete(library);
    assertThatThrownBy(() -> cache().folder())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(library + ": missing (expected: 3 bytes; delete ");
  }

  @Test
  void whatAnotherProcessUnpacksIsNotNotedNorIsAVersionThatWentMissed() throws IOException {
    Path library = filled();
    Path copied = Files.write(library.resolveSibling("jni123tmp"), new byte[1]);
    Path older = temp.resolve(".cache/edgefit/pytorch/2.6.0/libtorch.so");
    Files.createDirectories(older.getParent());
    Files.write(older, new byte[5]);
    cache().note();
    Files.delete(copied);
    Files.delete(older);
    Files.delete(older.getParent());
    assertThat(cache().folder()).isDirectory();
  }

  @Test
  void libraryThatCameLaterIsNotedToo() throws IOException {
    Path library = filled();
    cache().note();
    Path later = library.resolveSibling("libmore.so");
    Files.write(later, new byte[1]);
    cache().note();
    Files.write(later, new byte[0]);
    assertThatThrownBy(() -> cache().folder()).hasMessageContaining(later + ": 0 bytes");
  }

  @Test
  void whatAProcessLeftThatWasKilledIsTakenAwayAfterAnHour() throws IOException {
    Path half = temp.resolve(".cache/edgefit/pytorch/tmp123");
    Path fresh = temp.resolve(".cache/edgefit/pytorch/tmp456");
    for (Path folder : List.of(half, fresh)) {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("libtorch.so"), "half");
    }
    Files.setLastModifiedTime(half, FileTime.from(Instant.now().minusSeconds(3700)));
    cache().folder();
    assertThat(half).doesNotExist();
    assertThat(fresh).isDirectoryContaining(path -> path.endsWith("libtorch.so"));
  }

  @Test
  void sharingPermitsLibrariesAloneAndFollowsNoLink() throws IOException {
    Path library = filled();
    Path folder = cache().folder();
    Path secret = Files.writeString(temp.resolve("secret"), "x");
    Path own = Files.writeString(folder.resolve("own"), "x");
    Files.createSymbolicLink(library.resolveSibling("link"), secret);
    for (Path path : List.of(secret, own, library)) {
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    }
    Files.setPosixFilePermissions(
        library.getParent(), PosixFilePermissions.fromString("rwx------"));
    cache().note();
    cache().share();
    assertThat(permissions(library)).isEqualTo("rw-r--r--");
    assertThat(permissions(library.getParent())).isEqualTo("rwxr-xr-x");
    assertThat(permissions(secret)).isEqualTo("rw-------");
    assertThat(permissions(own)).isEqualTo("rw-------");
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void folderThatOthersCannotEnterIsSaid() throws IOException {
    filled();
    Files.setPosixFilePermissions(temp, PosixFilePermissions.fromString("rwx------"));
    assertThat(cache().share()).isEqualTo(temp.toRealPath());
  }

  @Test
  void folderThatCannotBeMadeIsNamed() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "x");
    environment.put("EDGEFIT_CACHE", file.toString());
    assertThatThrownBy(() -> cache().folder())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the engine's cache: " + file + ": not readable, or not filled and")
        .hasMessageContaining("EDGEFIT_CACHE names another");
  }

  @Test
  void filledFolderNeedNotBeWritable() throws IOException {
    Path folder = filled().getParent().getParent().getParent();
    List<Path> closed = List.of(folder, folder.getParent(), temp);
    for (Path path : closed) {
      assertThat(path.toFile().setWritable(false, false)).isTrue();
    }
    try {
      assertThat(cache().folder()).isEqualTo(folder);
    } finally {
      for (Path path : closed) {
        assertThat(path.toFile().setWritable(true)).isTrue();
      }
    }
  }
}
