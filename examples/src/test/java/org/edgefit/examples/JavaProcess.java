package org.edgefit.examples;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A program in a JVM of its own, as its users run it, when it has ended. */
public record JavaProcess(int status, String out, String err) {

  public static JavaProcess run(Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    return run(List.of(), main, arguments);
  }

  /** Runs a program in a JVM with options of its own. */
  public static JavaProcess run(List<String> options, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    return run(Path.of(""), options, main, arguments);
  }

  /** Runs a program in a folder. */
  static JavaProcess run(Path folder, List<String> options, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    Path err = Files.createTempFile("launcher", ".err");
    Process process =
        new ProcessBuilder(command(options, main, arguments))
            .directory(folder.toAbsolutePath().toFile())
            .redirectError(err.toFile())
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    JavaProcess ended = new JavaProcess(process.waitFor(), out, Files.readString(err));
    Files.delete(err);
    return ended;
  }

  /** Starts a program whose output, of both kinds, goes to a file. */
  public static Process start(Path output, Class<?> main, String... arguments) throws IOException {
    return new ProcessBuilder(command(List.of(), main, arguments))
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
        .start();
  }

  private static List<String> command(List<String> options, Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=64g"));
    command.addAll(options);
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }
}
