package org.edgefit.examples;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A host that loads EdgeFIT with a class loader of its own and uses it on a thread of the common
 * pool, whose context class loader sees nothing of it.
 *
 * <p>Arguments: the class path, the class whose {@code run(Path)} is called, and its argument.
 */
public final class Host {

  private Host() {}

  public static void main(String[] args) throws Exception {
    List<URL> jars = new ArrayList<>();
    for (String entry : args[0].split(File.pathSeparator, -1)) {
      jars.add(url(entry));
    }
    Thread.currentThread().setContextClassLoader(ClassLoader.getPlatformClassLoader());
    try (URLClassLoader loader =
        new URLClassLoader(jars.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      Class<?> guest = loader.loadClass(args[1]);
      CompletableFuture.runAsync(() -> call(guest, args[2])).get();
    }
  }

  private static URL url(String entry) throws MalformedURLException {
    return Path.of(entry).toUri().toURL();
  }

  private static void call(Class<?> guest, String argument) {
    try {
      guest.getMethod("run", Path.class).invoke(null, Path.of(argument));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
