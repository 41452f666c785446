package org.edgefit.format.hub;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;
import org.edgefit.file.Sha256;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.format.model.ModelFiles;
import org.jspecify.annotations.Nullable;

/**
 * Base models and files of data sets from the Hugging Face hub, in the cache that its own library
 * keeps: {@code models--ORG--NAME} or {@code datasets--ORG--NAME} with {@code refs}, {@code blobs}
 * and {@code snapshots}. A download that breaks goes on where it ended; a file counts once its
 * SHA-256, or for small files git's SHA-1, is that which the hub says; a model that is there needs
 * no network.
 */
public final class ModelHub {

  /** What a location on the hub begins with. */
  public static final String PREFIX = "hf:";

  private static final URI ADDRESS = URI.create("https://huggingface.co");

  private static final Pattern LOCATION =
      Pattern.compile("hf:([A-Za-z0-9][\\w.-]*)/([A-Za-z0-9][\\w.-]*)(?:@([\\w./-]+))?");

  private static final Pattern DATA_LOCATION =
      Pattern.compile(
          "hf:datasets/([A-Za-z0-9][\\w.-]*)/([A-Za-z0-9][\\w.-]*)(?:@([\\w.-]+))?/([\\w./-]+)");

  /** The files of a repository that a base model needs. */
  private static final Pattern WANTED =
      Pattern.compile(
          "(config|generation_config|tokenizer|tokenizer_config|special_tokens_map)\\.json"
              + "|model(-\\d+-of-\\d+)?\\.safetensors|model\\.safetensors\\.index\\.json|chat_template\\.jinja");

  private static final int TRIES = 5;
  private static final int MOST_REDIRECTS = 5;

  private final URI address;
  private final Path cache;
  private final @Nullable String token;
  private final boolean isOffline;
  private final Duration stall;
  private final HttpClient client =
      HttpClient.newBuilder()
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(20))
          .build();

  /**
   * Makes a hub.
   *
   * @param address the hub's address
   * @param cache the folder of the cache
   * @param token the token of an account, for models that need one; null for none
   */
  public ModelHub(URI address, Path cache, @Nullable String token) {
    this(address, cache, token, false, Duration.ofMinutes(1));
  }

  private ModelHub(
      URI address, Path cache, @Nullable String token, boolean isOffline, Duration stall) {
    this.address = URI.create(address.toString().replaceFirst("/+$", ""));
    this.cache = cache;
    this.token = token == null || token.isBlank() ? null : token;
    this.isOffline = isOffline;
    this.stall = stall;
  }

  /** Returns this hub without the network: what is not in the cache is not there. */
  public ModelHub offline() {
    return new ModelHub(address, cache, token, true, stall);
  }

  /** Returns this hub with another time without a byte after which a download counts as broken. */
  ModelHub withStall(Duration newStall) {
    return new ModelHub(address, cache, token, isOffline, newStall);
  }

  /**
   * Returns the public hub, or that of {@code HF_ENDPOINT}, with the cache and token that its own
   * library takes: of {@code HF_HUB_CACHE} or {@code HF_HOME}, and of {@code HF_TOKEN} or the file
   * that a login leaves. {@code HF_HUB_OFFLINE} keeps it from the network.
   */
  public static ModelHub standard() throws IOException {
    Map<String, String> environment = System.getenv();
    Path home =
        environment.containsKey("HF_HOME")
            ? Path.of(environment.get("HF_HOME"))
            : Path.of(System.getProperty("user.home"), ".cache", "huggingface");
    Path cache =
        environment.containsKey("HF_HUB_CACHE")
            ? Path.of(environment.get("HF_HUB_CACHE"))
            : home.resolve("hub");
    String token = environment.get("HF_TOKEN");
    if (token == null && Files.exists(home.resolve("token"))) {
      token = Files.readString(home.resolve("token")).strip();
    }
    String endpoint = environment.get("HF_ENDPOINT");
    ModelHub hub = new ModelHub(endpoint == null ? ADDRESS : URI.create(endpoint), cache, token);
    String offline = environment.getOrDefault("HF_HUB_OFFLINE", "").toUpperCase(Locale.ROOT);
    return Set.of("1", "ON", "YES", "TRUE").contains(offline) ? hub.offline() : hub;
  }

  /** Returns whether a text names a model on the hub. */
  public static boolean isLocation(String text) {
    return text.startsWith(PREFIX);
  }

  /**
   * What is to be fetched.
   *
   * @param location where from, as {@code hf:org/name}
   * @param files how many files
   * @param bytes how many bytes in all; -1 where the hub does not say
   * @param folder where to
   */
  public record Fetch(String location, int files, long bytes, Path folder) {

    /** Returns, for example, {@code hf:org/name: 5 files, 270.0 MB, to /home/me/.cache/...}. */
    @Override
    public String toString() {
      return location
          + (files == 1 ? ": 1 file, " : ": " + files + " files, ")
          + (bytes < 0 ? "" : String.format(Locale.ROOT, "%.1f MB, ", bytes / 1e6))
          + "to "
          + folder;
    }
  }

  /** Is told what is fetched, and how far a file's download is. */
  @FunctionalInterface
  public interface Progress {
    /** Files are about to be fetched. */
    default void starts(Fetch fetch) {}

    /** So many of a file's bytes are there. */
    void received(String file, long done, long bytes);
  }

  /** A file of a repository. */
  private record Remote(String name, URI uri, String etag, long size) {

    boolean isSha256() {
      return etag.matches("[0-9a-f]{64}");
    }
  }

  /**
   * A revision of a repository.
   *
   * @param location what names it, for messages
   * @param listing where the hub tells its files, below {@code api/}
   * @param path where its files are
   * @param folder its folder in the cache
   */
  private record Repository(
      String location, String listing, String path, Path folder, String revision) {

    Path snapshot(String commit) {
      return folder.resolve("snapshots").resolve(commit);
    }

    /** Returns the snapshot that is there, whole or not. */
    Path snapshot() throws IOException {
      Path ref = folder.resolve("refs").resolve(revision);
      return snapshot(Files.exists(ref) ? Files.readString(ref).strip() : revision);
    }
  }

  private Repository repository(
      String location, boolean isData, String organization, String name, @Nullable String at) {
    String revision = at == null ? "main" : at;
    for (String part : revision.split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..")) {
        throw new IllegalArgumentException("hub: " + location + " (expected: a revision's name)");
      }
    }
    String kind = isData ? "datasets" : "models";
    return new Repository(
        location,
        kind + "/" + organization + "/" + name,
        (isData ? "datasets/" : "") + organization + "/" + name,
        cache.resolve(kind + "--" + organization + "--" + name),
        revision);
  }

  /**
   * Returns the directory of a model, after its files have been fetched.
   *
   * @param location {@code hf:org/name}, perhaps with {@code @revision}
   * @throws IllegalArgumentException if the location is spelled otherwise
   * @throws IOException naming the file and what the hub answered
   */
  public Path download(String location, Progress progress) throws IOException {
    return download(
        model(location),
        listed ->
            withConfig(location, listed).stream()
                .filter(name -> WANTED.matcher(name).matches())
                .toList(),
        ModelHub::isWholeModel,
        progress);
  }

  private Repository model(String location) {
    Matcher matcher = LOCATION.matcher(location);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "model: " + location + " (expected: hf:ORG/NAME or hf:ORG/NAME@REVISION)");
    }
    return repository(location, false, matcher.group(1), matcher.group(2), matcher.group(3));
  }

  private static List<String> withConfig(String location, List<String> listed) throws IOException {
    if (!listed.contains(ModelConfig.FILE)) {
      throw new IOException(location + ": no " + ModelConfig.FILE + " (expected: a model)");
    }
    return listed;
  }

  /**
   * Returns a directory with a model's {@code config.json}, after that has been fetched, and
   * perhaps nothing else.
   *
   * @param location as for {@link #download}
   */
  public Path downloadConfig(String location) throws IOException {
    return download(
        model(location),
        listed -> withConfig(location, listed).stream().filter(ModelConfig.FILE::equals).toList(),
        there -> Files.exists(there.snapshot().resolve(ModelConfig.FILE)),
        (file, done, bytes) -> {});
  }

  /** Returns whether a location names a file of a data set on the hub. */
  public static boolean isDataLocation(String text) {
    return text.startsWith(PREFIX + "datasets/");
  }

  /**
   * Returns a file of a data set, after it has been fetched.
   *
   * @param location {@code hf:datasets/org/name/file}, perhaps with {@code @revision} after the
   *     name
   * @throws IllegalArgumentException if the location is spelled otherwise
   * @throws IOException naming the file and what the hub answered
   */
  public Path downloadData(String location, Progress progress) throws IOException {
    Matcher matcher = DATA_LOCATION.matcher(location);
    String file = matcher.matches() ? matcher.group(4) : "..";
    if (List.of(file.split("/", -1)).contains("..")) {
      throw new IllegalArgumentException(
          "data: "
              + location
              + " (expected: hf:datasets/ORG/NAME/FILE or hf:datasets/ORG/NAME@REVISION/FILE)");
    }
    Repository repository =
        repository(location, true, matcher.group(1), matcher.group(2), matcher.group(3));
    Path snapshot =
        download(
            repository,
            listed -> {
              if (!listed.contains(file)) {
                throw new NoSuchFileException(
                    location + ": no such file (expected: one of " + listed + ")");
              }
              return List.of(file);
            },
            there -> Files.exists(there.snapshot().resolve(file)),
            progress);
    return snapshot.resolve(file);
  }

  /** Chooses among a repository's files. */
  private interface Choice {
    List<String> of(List<String> listed) throws IOException;
  }

  private interface Presence {
    boolean isIn(Repository repository) throws IOException;
  }

  private Path download(Repository repository, Choice choice, Presence presence, Progress progress)
      throws IOException {
    if (isOffline) {
      if (presence.isIn(repository)) {
        return repository.snapshot();
      }
      throw new IOException(
          repository.location()
              + ": not in "
              + cache
              + " (expected: there, since the hub is not to be asked)");
    }
    JsonNode listing;
    try {
      listing = listing(repository);
    } catch (NetworkException e) {
      if (presence.isIn(repository)) {
        return repository.snapshot();
      }
      throw e;
    }
    String commit = listing.path("sha").asText();
    if (!commit.matches("[0-9a-f]{40,64}")) {
      throw new IOException(repository.location() + ": the hub names no commit");
    }
    List<String> listed = new ArrayList<>();
    listing.path("siblings").forEach(file -> listed.add(file.path("rfilename").asText()));
    List<String> names = choice.of(listed);
    Path snapshot = repository.snapshot(commit);
    List<String> missing =
        names.stream().filter(name -> !Files.exists(snapshot.resolve(name))).toList();
    if (!missing.isEmpty()) {
      progress.starts(
          new Fetch(repository.location(), missing.size(), bytes(listing, missing), snapshot));
    }
    for (String name : missing) {
      fetch(repository, commit, name, snapshot, progress);
    }
    Path folder = repository.folder();
    writeIfChanged(folder.resolve(COMPLETE).resolve(commit), String.join("\n", names) + "\n");
    writeIfChanged(folder.resolve("refs").resolve(repository.revision()), commit);
    return snapshot;
  }

  /** Returns the bytes of some files, as a listing has them; -1 if it lacks one's. */
  private static long bytes(JsonNode listing, List<String> names) {
    long sum = 0;
    int sized = 0;
    for (JsonNode file : listing.path("siblings")) {
      if (names.contains(file.path("rfilename").asText()) && file.path("size").isNumber()) {
        sum += file.path("size").asLong();
        sized++;
      }
    }
    return sized == names.size() ? sum : -1;
  }

  private static void writeIfChanged(Path file, String text) throws IOException {
    if (!Files.exists(file) || !Files.readString(file).equals(text)) {
      DurableFiles.write(file, text);
    }
  }

  /** The folder of lists of the files that whole snapshots have. */
  private static final String COMPLETE = ".edgefit";

  private static boolean isWholeModel(Repository repository) throws IOException {
    Path snapshot = repository.snapshot();
    if (!Files.exists(snapshot.resolve(ModelConfig.FILE)) || !ModelFiles.exist(snapshot)) {
      return false;
    }
    Path complete =
        repository.folder().resolve(COMPLETE).resolve(String.valueOf(snapshot.getFileName()));
    if (Files.exists(complete)) {
      for (String name : Files.readAllLines(complete)) {
        if (!Files.exists(snapshot.resolve(name))) {
          return false;
        }
      }
    }
    return true;
  }

  /** An answer that did not come, where another try may help. */
  private static final class NetworkException extends IOException {
    private static final long serialVersionUID = 1;

    NetworkException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  private JsonNode listing(Repository repository) throws IOException {
    String revision = repository.revision().replace("/", "%2F");
    URI uri =
        URI.create(
            address + "/api/" + repository.listing() + "/revision/" + revision + "?blobs=true");
    HttpResponse<InputStream> response = send(uri, "GET", 0, true);
    for (int redirect = 0; response.statusCode() / 100 == 3; redirect++) {
      response.body().close();
      uri = uri.resolve(response.headers().firstValue("Location").orElse(""));
      if (redirect == MOST_REDIRECTS) {
        throw new IOException(
            repository.location() + ": more than " + MOST_REDIRECTS + " redirects");
      }
      response = send(uri, "GET", 0, isOurs(uri)); // a repository that was renamed
    }
    try (StallGuard body = new StallGuard(response.body(), stall)) {
      requireOk(response, repository.path() + "@" + repository.revision());
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      byte[] buffer = new byte[1 << 14];
      try {
        for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
          text.write(buffer, 0, read);
        }
      } catch (IOException e) {
        throw new NetworkException(uri + ": " + e.getMessage(), e);
      }
      return Json.parse(text.toString(StandardCharsets.UTF_8), uri.toString());
    }
  }

  private boolean isOurs(URI uri) {
    return address.getScheme().equals(uri.getScheme())
        && address.getHost().equals(uri.getHost())
        && address.getPort() == uri.getPort();
  }

  private static void requireOk(HttpResponse<?> response, String what) throws IOException {
    int status = response.statusCode();
    if (status / 100 == 2) {
      return;
    }
    String message = what + ": the hub answered " + status;
    switch (status) {
      case 401, 403 ->
          throw new IOException(
              message
                  + " (no such repository, or one that needs an account that may read it: set HF_TOKEN,"
                  + " and accept its licence on its page)");
      case 404 ->
          throw new NoSuchFileException(message + " (no such repository, revision or file)");
      default -> throw new NetworkException(message, null);
    }
  }

  /** Sends a request; the token goes to the hub alone, not to where it redirects. */
  private HttpResponse<InputStream> send(URI uri, String method, long from, boolean authorized)
      throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofMinutes(2))
            .header("User-Agent", "edgefit")
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (authorized && token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    if (from > 0) {
      request.header("Range", "bytes=" + from + "-");
    }
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(uri + ": interrupted", e);
    } catch (IOException e) {
      throw new NetworkException(uri + ": " + e, e);
    }
  }

  /** Asks what a file is: its hash, its size, and where its bytes are. */
  private Remote locate(String path, String commit, String name) throws IOException {
    URI uri = URI.create(address + "/" + path + "/resolve/" + commit + "/" + name);
    boolean isOurs = true;
    String etag = "";
    long size = -1;
    for (int redirect = 0; redirect <= MOST_REDIRECTS; redirect++) {
      HttpResponse<InputStream> response = send(uri, "HEAD", 0, isOurs);
      response.body().close();
      if (etag.isEmpty()) {
        etag =
            response
                .headers()
                .firstValue("X-Linked-Etag")
                .or(() -> response.headers().firstValue("ETag"))
                .orElse("")
                .replaceFirst("^W/", "")
                .replace("\"", "");
        size = response.headers().firstValueAsLong("X-Linked-Size").orElse(-1);
      }
      if (response.statusCode() / 100 == 3) {
        uri = uri.resolve(response.headers().firstValue("Location").orElse(""));
        isOurs = isOurs(uri);
        continue;
      }
      requireOk(response, path + "/" + name);
      if (size < 0) {
        size = response.headers().firstValueAsLong("Content-Length").orElse(-1);
      }
      if (!etag.matches("[0-9a-f]{40}|[0-9a-f]{64}")) {
        throw new IOException(path + "/" + name + ": ETag \"" + etag + "\" is no hash");
      }
      return new Remote(name, uri, etag, size);
    }
    throw new IOException(path + "/" + name + ": more than " + MOST_REDIRECTS + " redirects");
  }

  private void fetch(
      Repository repository, String commit, String name, Path snapshot, Progress progress)
      throws IOException {
    Path folder = repository.folder();
    Path blobs = Files.createDirectories(folder.resolve("blobs"));
    for (int attempt = 1; ; attempt++) {
      try {
        Remote remote = locate(repository.path(), commit, name);
        Path blob = blobs.resolve(remote.etag());
        synchronized (ModelHub.class) { // file locks are between processes
          Path lock = Files.createDirectories(folder.resolve(COMPLETE)).resolve("lock");
          try (FileChannel channel =
                  FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
              FileLock held = channel.lock()) {
            if (held.isValid() && !Files.exists(blob)) {
              Path part = blobs.resolve(remote.etag() + ".incomplete");
              receive(remote, part, progress);
              verify(remote, part);
              DurableFiles.publish(part, blob);
            }
          }
        }
        link(blob, snapshot.resolve(name));
        return;
      } catch (NetworkException e) {
        if (attempt == TRIES) {
          throw e;
        }
        pause(attempt);
      }
    }
  }

  private static void pause(int attempt) throws IOException {
    try {
      Thread.sleep(200L << attempt);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted between tries", e);
    }
  }

  private void receive(Remote remote, Path part, Progress progress) throws IOException {
    long have = Files.exists(part) ? Files.size(part) : 0;
    if (remote.size() >= 0 && have > remote.size()) {
      Files.delete(part);
      have = 0;
    }
    if (have > 0 && have == remote.size()) {
      return;
    }
    HttpResponse<InputStream> response = send(remote.uri(), "GET", have, isOurs(remote.uri()));
    try (StallGuard body = new StallGuard(response.body(), stall)) {
      if (response.statusCode() == 416) { // what is here is no beginning of it
        Files.delete(part);
        throw new NetworkException(remote.name() + ": no bytes from " + have + " on", null);
      }
      requireOk(response, remote.name());
      boolean isRest = response.statusCode() == 206;
      long done = isRest ? have : 0;
      try (FileChannel out =
          FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        out.truncate(done);
        out.position(done);
        byte[] buffer = new byte[1 << 16];
        progress.received(remote.name(), done, remote.size());
        while (true) {
          int read;
          try {
            read = body.read(buffer);
          } catch (IOException e) {
            throw new NetworkException(remote.name() + ": broke off at byte " + done, e);
          }
          if (read < 0) {
            break;
          }
          DurableFiles.writeFully(out, ByteBuffer.wrap(buffer, 0, read), part);
          done += read;
          progress.received(remote.name(), done, remote.size());
        }
        DurableFiles.force(out, part);
      }
      if (remote.size() >= 0 && done != remote.size()) {
        throw new NetworkException(
            remote.name() + ": " + done + " bytes came (expected: " + remote.size() + ")", null);
      }
    }
  }

  /** Large files are named by their SHA-256, small ones as git names them. */
  private static void verify(Remote remote, Path part) throws IOException {
    MessageDigest digest = remote.isSha256() ? Sha256.digest() : gitDigest(Files.size(part));
    try (FileChannel in = FileChannel.open(part)) {
      ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
      while (in.read(buffer.clear()) >= 0) {
        digest.update(buffer.flip());
      }
    }
    String hash = HexFormat.of().formatHex(digest.digest());
    if (!hash.equals(remote.etag())) {
      Files.delete(part);
      throw new IOException(
          remote.name() + ": hash " + hash + " (expected: " + remote.etag() + "); it is deleted");
    }
  }

  private static MessageDigest gitDigest(long size) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-1");
      digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Links a file of a snapshot to its blob, or copies it where the system has no links. */
  private static void link(Path blob, Path file) throws IOException {
    Path folder = file.resolveSibling("").toAbsolutePath();
    Files.createDirectories(folder);
    try {
      Files.createSymbolicLink(file, folder.relativize(blob.toAbsolutePath()));
    } catch (FileAlreadyExistsException e) {
      // another process was faster
    } catch (UnsupportedOperationException | IOException e) {
      Path part = DurableFiles.partOf(file);
      Files.copy(blob, part, StandardCopyOption.REPLACE_EXISTING);
      DurableFiles.publish(part, file);
    }
  }
}
