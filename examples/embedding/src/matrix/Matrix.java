import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Builds the application for every kind of host, and runs it there under every JDK: its classes are
 * loaded, a client joins a federation over gRPC and trains, all is closed, the JVM ends by
 * itself. Prints the table that stands in docs/embedding.md.
 *
 * <p>Arguments: the folder of the application's jars, the model, the data, Maven's home, the hosts
 * (separated by commas, or {@code all}) and the homes of the JDKs (separated by commas).
 */
final class Matrix {

  /** What a run that trained prints. */
  private static final Pattern TRAINED = Pattern.compile("round 1: 1 of 1 clients, training loss");

  /** What a jar that lost its service files is refused with. */
  private static final Pattern REFUSED = Pattern.compile("META-INF/services");

  /** The modules of the JDK that EdgeFIT and its libraries use. */
  private static final String MODULES =
      "java.logging,java.management,java.naming,java.net.http,jdk.crypto.ec,jdk.management,"
          + "jdk.unsupported";

  /** Jars whose names or requirements the module path refuses. */
  private static final Pattern NO_MODULES =
      Pattern.compile("(pytorch-native|commons-compress|listenablefuture).*");

  private static final String PROGRAM = "com.example.OverNetwork";

  private final Path work = Path.of("target", "matrix").toAbsolutePath();
  private final Path jars;
  private final String model;
  private final String data;
  private final String maven;
  private boolean isShaded;
  private boolean failed;

  private Matrix(Path jars, String model, String data, String maven) {
    this.jars = jars;
    this.model = model;
    this.data = data;
    this.maven = maven;
  }

  /** A kind of host: how it is made, once, and how it is run under a JDK. */
  private enum Host {
    PLAIN("plain class path"),
    CLASS_LOADER("a URLClassLoader"),
    ONE_JAR("one jar (shade)"),
    LOST_SERVICES("one jar that lost its service files"),
    MODULE_PATH("module path"),
    JLINK("jlink image"),
    GRADLE("Gradle"),
    BOOT_3("Spring Boot 3.5.7"),
    BOOT_4("Spring Boot 4.1.2");

    private final String title;

    Host(String title) {
      this.title = title;
    }

    boolean isRefused() {
      return this == LOST_SERVICES;
    }
  }

  public static void main(String[] args) throws Exception {
    Matrix matrix = new Matrix(Path.of(args[0]).toAbsolutePath(), args[1], args[2], args[3]);
    List<Host> hosts =
        args[4].equals("all")
            ? List.of(Host.values())
            : Stream.of(args[4].split(",")).map(Host::valueOf).toList();
    matrix.run(hosts, Stream.of(args[5].split(",")).map(Path::of).toList());
    System.exit(matrix.failed ? 1 : 0);
  }

  private void run(List<Host> hosts, List<Path> jdks) throws Exception {
    List<String> table = new ArrayList<>();
    StringBuilder head = new StringBuilder("| host |");
    for (Path jdk : jdks) {
      head.append(' ').append(version(jdk)).append(" |");
    }
    table.add(head.toString());
    table.add("|---|" + "---|".repeat(jdks.size()));
    for (Host host : hosts) {
      Path made = work.resolve(host.name());
      Files.createDirectories(made);
      String cannot = make(host, made);
      StringBuilder row = new StringBuilder("| " + host.title + " |");
      for (Path jdk : jdks) {
        String result = cannot.isEmpty() ? tried(host, made, jdk) : cannot;
        System.out.println(host.title + ", " + jdk + ": " + result);
        row.append(' ').append(result).append(" |");
      }
      table.add(row.toString());
    }
    Files.write(work.resolve("matrix.md"), table);
    table.forEach(System.out::println);
  }

  /** Makes a host's program, and returns why it cannot be made on this machine, or nothing. */
  private String make(Host host, Path made) throws IOException, InterruptedException {
    switch (host) {
      case ONE_JAR -> shade();
      case LOST_SERVICES -> {
        shade();
        loseServices(shaded(), made.resolve("lost.jar"));
      }
      case MODULE_PATH ->
          build(
              Path.of(System.getProperty("java.home"), "bin", "javac").toString(),
              "-p",
              moduleJars(true),
              "-d",
              made.toString(),
              "module/module-info.java",
              "src/main/java/com/example/OverNetwork.java");
      case GRADLE -> {
        if (!onPath("gradle")) {
          return "no gradle here";
        }
        build("gradle", "--no-daemon", "-q", "-p", "gradle", "host");
      }
      case BOOT_3, BOOT_4 -> {
        String version = host.title.replace("Spring Boot ", "");
        maven("spring/pom.xml", "-Dspring-boot.version=" + version, "clean");
        Files.copy(
            Path.of("spring", "target", "spring-home-1.jar"),
            made.resolve("boot.jar"),
            StandardCopyOption.REPLACE_EXISTING);
      }
      default -> {}
    }
    return "";
  }

  private static boolean onPath(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }

  private void maven(String pom, String... more) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of(Path.of(maven, "bin", "mvn").toString(), "-B", "-ntp", "-q", "-f", pom));
    command.addAll(List.of(more));
    command.add("package");
    build(command.toArray(String[]::new));
  }

  private void build(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).inheritIO().start();
    if (process.waitFor() != 0) {
      throw new IllegalStateException(String.join(" ", command) + ": status " + process.exitValue());
    }
  }

  private void shade() throws IOException, InterruptedException {
    if (!isShaded) {
      maven("pom.xml", "-Pshade");
      isShaded = true;
    }
  }

  private static Path shaded() {
    return Path.of("target", "embedding-1-shaded.jar");
  }

  /** Leaves one provider of each service, as packing without merging does. */
  private static void loseServices(Path jar, Path lost) throws IOException {
    Files.copy(jar, lost, StandardCopyOption.REPLACE_EXISTING);
    try (FileSystem zip = FileSystems.newFileSystem(lost);
        Stream<Path> services = Files.list(zip.getPath("META-INF", "services"))) {
      for (Path service : services.toList()) {
        List<String> providers =
            Files.readAllLines(service).stream().filter(line -> !line.isBlank()).toList();
        Files.write(service, providers.subList(providers.size() - 1, providers.size()));
      }
    }
  }

  private String moduleJars(boolean isModule) throws IOException {
    try (Stream<Path> files = Files.list(jars)) {
      return String.join(
          File.pathSeparator,
          files
              .filter(file -> isModule != NO_MODULES.matcher("" + file.getFileName()).matches())
              .filter(file -> !file.getFileName().toString().startsWith("embedding-"))
              .map(Path::toString)
              .sorted()
              .toList());
    }
  }

  /** Runs a host's program under a JDK, and returns what came of it. */
  private String tried(Host host, Path made, Path jdk) throws IOException, InterruptedException {
    String java = jdk.resolve("bin").resolve("java").toString();
    if (host == Host.JLINK) {
      if (!Files.isExecutable(jdk.resolve("bin").resolve("jlink"))) {
        return "no jlink";
      }
      Path image = made.resolve(version(jdk));
      if (!Files.exists(image)) {
        build(
            jdk.resolve("bin").resolve("jlink").toString(),
            "--add-modules",
            MODULES,
            "--output",
            image.toString());
      }
      java = image.resolve("bin").resolve("java").toString();
    }
    Path temporary = made.resolve("tmp-" + version(jdk));
    Files.createDirectories(temporary);
    List<String> command =
        new ArrayList<>(
            List.of(java, "--enable-native-access=ALL-UNNAMED", "-Djava.io.tmpdir=" + temporary));
    if (version(jdk).equals("17")) {
      command.remove(1); // which warns that it is not of use yet
    }
    String all = jars + File.separator + "*";
    switch (host) {
      case PLAIN, JLINK -> command.addAll(List.of("-cp", all, PROGRAM));
      case CLASS_LOADER ->
          command.addAll(
              List.of(
                  "-XX:ActiveProcessorCount=4",
                  "-cp",
                  Path.of("target", "classes").toString(),
                  "com.example.InClassLoader",
                  jars.toString(),
                  PROGRAM));
      case ONE_JAR -> command.addAll(List.of("-jar", shaded().toString()));
      case LOST_SERVICES ->
          command.addAll(List.of("-jar", made.resolve("lost.jar").toString()));
      case MODULE_PATH ->
          command.addAll(
              List.of(
                  "-p",
                  moduleJars(true) + File.pathSeparator + made,
                  "-cp",
                  moduleJars(false),
                  "--add-modules",
                  "ALL-MODULE-PATH,jdk.unsupported",
                  "-m",
                  "com.example/" + PROGRAM));
      case GRADLE ->
          command.addAll(
              List.of("-cp", Path.of("gradle", "build", "host") + File.separator + "*", PROGRAM));
      case BOOT_3, BOOT_4 -> {
        command.addAll(List.of("-jar", made.resolve("boot.jar").toString(), "--server.port=0"));
        return requested(command, made.resolve("log-" + version(jdk)), temporary);
      }
    }
    command.addAll(List.of(model, data));
    Path log = made.resolve("log-" + version(jdk));
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    boolean ended = process.waitFor(2, TimeUnit.MINUTES);
    process.destroyForcibly();
    String out = Files.readString(log);
    if (host.isRefused()) {
      return verdict(ended && process.exitValue() != 0 && REFUSED.matcher(out).find(), log)
          .replace("yes", "refused, in words");
    }
    boolean isWell = ended && process.exitValue() == 0 && TRAINED.matcher(out).find();
    return verdict(isWell && leftovers(temporary).isEmpty(), log);
  }

  /** Asks a web application to train in the background of a request, and ends it by a signal. */
  private String requested(List<String> command, Path log, Path temporary)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      Pattern started = Pattern.compile("Tomcat started on port\\D*(\\d+)");
      Matcher port = started.matcher("");
      for (int i = 0; i < 600 && process.isAlive() && !port.find(); i++) {
        Thread.sleep(100);
        port = started.matcher(Files.readString(log));
      }
      if (!port.reset().find()) {
        return verdict(false, log);
      }
      String base = "http://127.0.0.1:" + port.group(1);
      String query = "/train?model=" + encoded(model) + "&data=" + encoded(data);
      boolean isTrained =
          get(base + query).equals("started") && get(base + "/result").equals("trained");
      process.destroy();
      boolean ended = process.waitFor(1, TimeUnit.MINUTES);
      return verdict(isTrained && ended && leftovers(temporary).isEmpty(), log);
    } finally {
      process.destroyForcibly();
    }
  }

  private static String encoded(String value) {
    return URLEncoder.encode(Path.of(value).toAbsolutePath().toString(), StandardCharsets.UTF_8);
  }

  private static String get(String address) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create(address)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  /** Returns what was left in the temporary folder that is not the application's own. */
  private static List<String> leftovers(Path temporary) throws IOException {
    try (Stream<Path> files = Files.list(temporary)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !name.matches("embedding-.*|hsperfdata_.*|tomcat.*"))
          .toList();
    }
  }

  private String verdict(boolean isWell, Path log) throws IOException {
    if (!isWell) {
      failed = true;
      System.out.println(Files.readString(log));
    }
    return isWell ? "yes" : "no (" + log.getFileName() + ")";
  }

  private static String version(Path jdk) throws IOException {
    return Files.readAllLines(jdk.resolve("release")).stream()
        .filter(line -> line.startsWith("JAVA_VERSION="))
        .map(line -> line.replaceAll("JAVA_VERSION=\"(\\d+).*", "$1"))
        .findFirst()
        .orElseThrow();
  }
}
