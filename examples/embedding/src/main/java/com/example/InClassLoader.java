package com.example;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/**
 * Runs another program out of a class loader of its own, as plug-ins are, on a thread whose context
 * class loader sees nothing of it.
 *
 * <p>Arguments: the folder of its jars, its class, and its own arguments.
 */
public final class InClassLoader {
  public static void main(String[] args) throws Exception {
    String[] own = Stream.of(args).skip(2).toArray(String[]::new);
    try (URLClassLoader loader =
        new URLClassLoader(jars(Path.of(args[0])), ClassLoader.getPlatformClassLoader())) {
      Class<?> program = loader.loadClass(args[1]);
      CompletableFuture.runAsync(
              () -> {
                try {
                  program.getMethod("main", String[].class).invoke(null, (Object) own);
                } catch (ReflectiveOperationException e) {
                  throw new IllegalStateException(e);
                }
              })
          .get();
    }
  }

  private static URL[] jars(Path folder) throws IOException {
    List<URL> jars = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        jars.add(file.toUri().toURL());
      }
    }
    return jars.toArray(URL[]::new);
  }
}
