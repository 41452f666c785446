package org.edgefit.internal.cli;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Plug-in jars given by a command-line option. */
public final class PluginJars {

  private PluginJars() {}

  /**
   * Returns a class loader of jars and of EdgeFIT; it stays open as long as the program runs.
   *
   * @throws IOException if a jar is not there
   */
  public static ClassLoader loader(String option, List<Path> jars) throws IOException {
    ClassLoader own = PluginJars.class.getClassLoader();
    List<URL> urls = new ArrayList<>();
    for (Path jar : jars) {
      if (!Files.isRegularFile(jar)) {
        throw new IOException(option + ": " + jar + ": no such file");
      }
      urls.add(jar.toUri().toURL());
    }
    return urls.isEmpty() ? own : new URLClassLoader(urls.toArray(new URL[0]), own);
  }
}
