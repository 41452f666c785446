package org.edgefit.format.hub;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.edgefit.format.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * Base models and data set files from the Hugging Face hub, in the cache of huggingface_hub: {@code
 * models--ORG--NAME} or {@code datasets--ORG--NAME} with {@code refs}, {@code blobs} and {@code
 * snapshots}. A broken download resumes where it ended; a file is used once its SHA-256, or git's
 * SHA-1 for small files, matches the hub's; a cached model needs no network.
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
          "(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens)\\.json"
              + "|model(-\\d+-of-\\d+)?\\.safetensors|model\\.safetensors\\.index\\.json"
              + "|chat_template\\.jinja|additional_chat_templates/[A-Za-z0-9_-][A-Za-z0-9._-]*\\.jinja");

  private final URI address;
  private final Path cache;
  private final @Nullable String token;
  private final boolean isOffline;
  private final Duration stall;
  private final HubClient client;

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
    this.client = new HubClient(this.address, this.token, stall);
  }

  /** Returns this hub in offline mode: only cached files are available. */
  public ModelHub offline() {
    return new ModelHub(address, cache, token, true, stall);
  }

  /** Returns this hub with another time without a byte after which a download counts as broken. */
  ModelHub withStall(Duration newStall) {
    return new ModelHub(address, cache, token, isOffline, newStall);
  }

  /**
   * Returns the public hub or {@code HF_ENDPOINT}, with huggingface_hub's cache ({@code
   * HF_HUB_CACHE} or {@code HF_HOME}) and token ({@code HF_TOKEN} or the login file). {@code
   * HF_HUB_OFFLINE} sets offline mode.
   */
  public static ModelHub standard() throws IOException {
    return standard(System.getenv(), Path.of(System.getProperty("user.home")));
  }

  static ModelHub standard(Map<String, String> environment, Path userHome) throws IOException {
    Path home =
        environment.containsKey("HF_HOME")
            ? Path.of(environment.get("HF_HOME"))
            : userHome.resolve(".cache").resolve("huggingface");
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

  URI address() {
    return address;
  }

  Path cache() {
    return cache;
  }

  @Nullable String token() {
    return token;
  }

  boolean isOffline() {
    return isOffline;
  }

  /** Returns whether a text names a model on the hub. */
  public static boolean isLocation(String text) {
    return text.startsWith(PREFIX);
  }

  /**
   * A pending download.
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

  /** Receives the progress of downloads. */
  @FunctionalInterface
  public interface Progress {
    /** Files are about to be fetched. */
    default void starts(Fetch fetch) {}

    /** So many of a file's bytes are there. */
    void received(String file, long done, long bytes);
  }

  private HubRepository repository(
      String location, boolean isData, String organization, String name, @Nullable String at) {
    String revision = at == null ? "main" : at;
    for (String part : revision.split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..")) {
        throw new IllegalArgumentException("hub: " + location + " (expected: a revision's name)");
      }
    }
    String kind = isData ? "datasets" : "models";
    return new HubRepository(
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
        HubRepository::isWholeModel,
        progress);
  }

  private HubRepository model(String location) {
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
        there -> there.has(ModelConfig.FILE),
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
    HubRepository repository =
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
            there -> there.has(file),
            progress);
    return snapshot.resolve(file);
  }

  /** Chooses among a repository's files. */
  private interface Choice {
    List<String> of(List<String> listed) throws IOException;
  }

  private interface Presence {
    boolean isIn(HubRepository repository) throws IOException;
  }

  private Path download(
      HubRepository repository, Choice choice, Presence presence, Progress progress)
      throws IOException {
    if (isOffline) {
      if (presence.isIn(repository)) {
        return repository.snapshot();
      }
      throw new IOException(
          repository.location() + ": not in " + cache + " (expected: cached; offline mode is on)");
    }
    JsonNode listing;
    try {
      listing = client.listing(repository);
    } catch (HubClient.NetworkException e) {
      if (presence.isIn(repository)) {
        return repository.snapshot();
      }
      throw e;
    }
    String commit = listing.path("sha").asText();
    if (!commit.matches("[0-9a-f]{40,64}")) {
      throw new IOException(repository.location() + ": no commit from the hub");
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
    HubDownloads downloads = new HubDownloads(client);
    for (String name : missing) {
      downloads.fetch(repository, commit, name, snapshot, progress);
    }
    repository.complete(commit, names);
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
}
