package org.edgefit.format.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.edgefit.file.Sha256;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Downloads from a stub of the hub on loopback, which redirects large files to a second server. */
class ModelHubTest {

  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  @TempDir Path temp;

  private final Map<String, byte[]> files = new TreeMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final List<String> storeTokens = new CopyOnWriteArrayList<>();
  private HttpServer hub = server();
  private HttpServer store = server();
  private @Nullable String requiredToken;
  private String wrongEtag = "";
  private int breakOffAt = -1;
  private final CountDownLatch goOn = new CountDownLatch(1);
  private boolean isSilentThere;

  private static HttpServer server() {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.setExecutor(Executors.newCachedThreadPool()); // one request may wait
      return server;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeEach
  void start() {
    byte[] weights = new byte[300_000];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (byte) (i * 31);
    }
    files.put("config.json", "{\"model_type\":\"llama\"}".getBytes(StandardCharsets.UTF_8));
    files.put("tokenizer.json", "{}".getBytes(StandardCharsets.UTF_8));
    files.put("model.safetensors", weights);
    files.put("pytorch_model.bin", new byte[10]);
    hub.createContext("/", this::answer);
    store.createContext("/", this::serve);
    hub.start();
    store.start();
  }

  @AfterEach
  void stop() {
    goOn.countDown();
    hub.stop(0);
    store.stop(0);
  }

  private static URI address(HttpServer server) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private ModelHub hubWith(@Nullable String token) {
    return new ModelHub(address(hub), temp.resolve("hub"), token);
  }

  private static String sha256(byte[] bytes) {
    var digest = Sha256.digest();
    digest.update(bytes);
    return Sha256.hex(digest);
  }

  private static String gitHash(byte[] bytes) throws IOException {
    try {
      var digest = java.security.MessageDigest.getInstance("SHA-1");
      digest.update(("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII));
      return java.util.HexFormat.of().formatHex(digest.digest(bytes));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IOException(e);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    requests.add(exchange.getRequestMethod() + " " + path);
    String token = exchange.getRequestHeaders().getFirst("Authorization");
    if (requiredToken != null && !("Bearer " + requiredToken).equals(token)) {
      exchange.sendResponseHeaders(401, -1);
    } else if (path.equals("/api/models/home/tiny/revision/main")
        || path.equals("/api/datasets/home/tiny/revision/main")) {
      StringBuilder json = new StringBuilder("{\"sha\":\"" + COMMIT + "\",\"siblings\":[");
      files.forEach(
          (name, content) ->
              json.append("{\"rfilename\":\"")
                  .append(name)
                  .append("\",\"size\":")
                  .append(content.length)
                  .append("},"));
      json.setLength(json.length() - 1);
      send(exchange, 200, json.append("]}").toString().getBytes(StandardCharsets.UTF_8), 0);
    } else if (path.startsWith("/home/tiny/resolve/" + COMMIT + "/")
        || path.startsWith("/datasets/home/tiny/resolve/" + COMMIT + "/")) {
      String name = path.substring(path.indexOf(COMMIT) + COMMIT.length() + 1);
      byte[] content = files.get(name);
      if (content == null) {
        exchange.sendResponseHeaders(404, -1);
      } else if (name.endsWith(".safetensors")) {
        String etag = wrongEtag.isEmpty() ? sha256(content) : wrongEtag;
        exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + etag + "\"");
        exchange.getResponseHeaders().set("X-Linked-Size", "" + content.length);
        exchange.getResponseHeaders().set("Location", address(store) + "/" + name);
        exchange.sendResponseHeaders(302, -1);
      } else {
        exchange.getResponseHeaders().set("ETag", "\"" + gitHash(content) + "\"");
        send(exchange, 200, content, 0);
      }
    } else {
      exchange.sendResponseHeaders(404, -1);
    }
    exchange.close();
  }

  private void serve(HttpExchange exchange) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    requests.add("store " + exchange.getRequestMethod() + " " + range);
    storeTokens.addAll(exchange.getRequestHeaders().getOrDefault("Authorization", List.of()));
    byte[] content = files.getOrDefault("model.safetensors", new byte[0]);
    int from = range == null ? 0 : Integer.parseInt(range.replace("bytes=", "").replace("-", ""));
    try {
      send(exchange, range == null ? 200 : 206, content, from);
    } catch (IOException e) {
      // the connection was cut on purpose
    }
    exchange.close();
  }

  private void send(HttpExchange exchange, int status, byte[] content, int from)
      throws IOException {
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", "" + content.length);
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, content.length - from);
    int to = content.length;
    if (breakOffAt > from && breakOffAt < to) {
      to = breakOffAt;
      breakOffAt = -1;
    }
    exchange.getResponseBody().write(content, from, to - from);
    exchange.getResponseBody().flush();
    if (to < content.length && isSilentThere) {
      try {
        goOn.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  void configAloneIsNoModelYet() throws Exception {
    Path directory = hubWith(null).downloadConfig("hf:home/tiny");
    assertThat(directory.resolve("config.json")).exists();
    assertThat(directory.resolve("model.safetensors")).doesNotExist();
    assertThat(hubWith(null).offline().downloadConfig("hf:home/tiny")).isEqualTo(directory);
    assertThatThrownBy(() -> hubWith(null).offline().download("hf:home/tiny", (n, d, b) -> {}))
        .hasMessageContaining("hf:home/tiny: not in");
    assertThat(hubWith(null).download("hf:home/tiny", (n, d, b) -> {}).resolve("model.safetensors"))
        .exists();
  }

  @Test
  void fileOfADataSetIsFetchedOnceAndAlone() throws Exception {
    files.put("tiny.jsonl", "{}\n".getBytes(StandardCharsets.UTF_8));
    String location = "hf:datasets/home/tiny/tiny.jsonl";
    Path file = hubWith(null).downloadData(location, (name, done, bytes) -> {});
    assertThat(file).content().isEqualTo("{}\n");
    assertThat(temp.resolve("hub/datasets--home--tiny/snapshots/" + COMMIT))
        .isEqualTo(file.getParent());
    assertThat(file.resolveSibling("config.json")).doesNotExist();
    assertThat(hubWith(null).offline().downloadData(location, (name, done, bytes) -> {}))
        .isEqualTo(file);
    assertThatThrownBy(
            () -> hubWith(null).downloadData("hf:datasets/home/tiny/no.csv", (n, d, b) -> {}))
        .hasMessageStartingWith("hf:datasets/home/tiny/no.csv: no such file (expected: one of [")
        .hasMessageContaining("tiny.jsonl");
    assertThatThrownBy(
            () ->
                hubWith(null)
                    .offline()
                    .downloadData("hf:datasets/home/tiny/config.json", (n, d, b) -> {}))
        .hasMessageContaining("not in " + temp.resolve("hub"));
    assertThatThrownBy(() -> hubWith(null).downloadData("hf:datasets/home/tiny", (n, d, b) -> {}))
        .hasMessageContaining("(expected: hf:datasets/ORG/NAME/FILE");
    assertThatThrownBy(
            () -> hubWith(null).downloadData("hf:datasets/home/tiny/../x", (n, d, b) -> {}))
        .hasMessageContaining("(expected: hf:datasets/ORG/NAME/FILE");
  }

  @Test
  void modelIsLaidOutAsTheHubsOwnLibraryDoes() throws IOException {
    files.put("added_tokens.json", "{}".getBytes(StandardCharsets.UTF_8));
    files.put("additional_chat_templates/tool.jinja", "tool".getBytes(StandardCharsets.UTF_8));
    files.put("additional_chat_templates/notes.txt", "x".getBytes(StandardCharsets.UTF_8));
    List<Long> received = new ArrayList<>();
    Path model =
        hubWith(null)
            .download(
                "hf:home/tiny",
                (file, done, bytes) -> {
                  if (file.equals("model.safetensors")) {
                    received.add(done);
                  }
                });
    Path folder = temp.resolve("hub/models--home--tiny");
    assertThat(model).isEqualTo(folder.resolve("snapshots").resolve(COMMIT));
    assertThat(model.resolve("model.safetensors")).hasBinaryContent(files.get("model.safetensors"));
    assertThat(model.resolve("config.json")).isSymbolicLink();
    assertThat(model.resolve("config.json")).hasBinaryContent(files.get("config.json"));
    assertThat(model.resolve("pytorch_model.bin")).doesNotExist();
    assertThat(model.resolve("added_tokens.json")).hasContent("{}");
    assertThat(model.resolve("additional_chat_templates/tool.jinja")).hasContent("tool");
    assertThat(model.resolve("additional_chat_templates/notes.txt")).doesNotExist();
    assertThat(folder.resolve("refs/main")).hasContent(COMMIT);
    assertThat(folder.resolve("blobs").resolve(sha256(files.get("model.safetensors")))).exists();
    assertThat(received).last().isEqualTo(300_000L);
  }

  @Test
  void downloadThatBreaksOffGoesOnWhereItEnded() throws IOException {
    breakOffAt = 123_456;
    Path model = hubWith(null).download("hf:home/tiny", (file, done, bytes) -> {});
    assertThat(model.resolve("model.safetensors")).hasBinaryContent(files.get("model.safetensors"));
    assertThat(requests).anyMatch(request -> request.matches("store GET bytes=[1-9]\\d*-"));
  }

  @Test
  void downloadThatFallsSilentGoesOnWhereItEnded() throws IOException {
    breakOffAt = 123_456;
    isSilentThere = true;
    ModelHub impatient = hubWith(null).withStall(Duration.ofMillis(300));
    Path model = impatient.download("hf:home/tiny", (file, done, bytes) -> {});
    assertThat(model.resolve("model.safetensors")).hasBinaryContent(files.get("model.safetensors"));
    assertThat(requests).anyMatch(request -> request.matches("store GET bytes=[1-9]\\d*-"));
  }

  @Test
  void offlineHubAsksNothing() throws IOException {
    ModelHub offline = hubWith(null).offline();
    assertThatThrownBy(() -> offline.download("hf:home/tiny", (file, done, bytes) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("hf:home/tiny: not in " + temp.resolve("hub"));
    assertThat(requests).isEmpty();
    Path model = hubWith(null).download("hf:home/tiny", (file, done, bytes) -> {});
    requests.clear();
    assertThat(offline.download("hf:home/tiny", (file, done, bytes) -> {})).isEqualTo(model);
    assertThat(requests).isEmpty();
  }

  @Test
  void modelThatIsThereNeedsNoNetwork() throws IOException {
    Path model = hubWith(null).download("hf:home/tiny", (file, done, bytes) -> {});
    ModelHub offline = hubWith(null);
    stop();
    assertThat(offline.download("hf:home/tiny", (file, done, bytes) -> {})).isEqualTo(model);
    assertThatThrownBy(() -> offline.download("hf:home/other", (file, done, bytes) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("/api/models/home/other");
  }

  @Test
  void whatIsFetchedIsSaidBefore() throws IOException {
    List<ModelHub.Fetch> told = new ArrayList<>();
    ModelHub.Progress progress =
        new ModelHub.Progress() {
          @Override
          public void starts(ModelHub.Fetch fetch) {
            told.add(fetch);
          }

          @Override
          public void received(String file, long done, long bytes) {
            assertThat(told).hasSize(1);
          }
        };
    hubWith(null).downloadConfig("hf:home/tiny");
    Path directory = hubWith(null).download("hf:home/tiny", progress);
    hubWith(null).download("hf:home/tiny", progress);
    long bytes = 0;
    try (Stream<Path> fetched = Files.list(directory)) {
      for (Path file : fetched.toList()) {
        bytes += file.endsWith("config.json") ? 0 : Files.size(file);
      }
      assertThat(told)
          .containsExactly(
              new ModelHub.Fetch("hf:home/tiny", told.get(0).files(), bytes, directory));
    }
    assertThat(told.get(0).toString()).startsWith("hf:home/tiny: ").contains(" MB, to ");
  }

  @Test
  void fileIsFetchedOnce() throws IOException {
    hubWith(null).download("hf:home/tiny", (file, done, bytes) -> {});
    requests.clear();
    hubWith(null).download("hf:home/tiny", (file, done, bytes) -> {});
    assertThat(requests).containsExactly("GET /api/models/home/tiny/revision/main");
  }

  @Test
  void changedFileIsFetchedAnew() throws IOException {
    Path blobs = temp.resolve("hub/models--home--tiny/blobs");
    Files.createDirectories(blobs);
    // What is left of a file that has changed since is not gone on with.
    Files.write(blobs.resolve("a".repeat(64) + ".incomplete"), new byte[1000]);
    Path model = hubWith(null).download("hf:home/tiny", (file, done, bytes) -> {});
    assertThat(model.resolve("model.safetensors")).hasBinaryContent(files.get("model.safetensors"));
    assertThat(requests).contains("store GET null");
  }

  @Test
  void wrongContentIsRefusedByItsHash() throws IOException {
    wrongEtag = "b".repeat(64);
    assertThatThrownBy(() -> hubWith(null).download("hf:home/tiny", (file, done, bytes) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("model.safetensors: hash")
        .hasMessageContaining("expected: bbbb");
    try (var left = Files.list(temp.resolve("hub/models--home--tiny/blobs"))) {
      assertThat(left).noneMatch(file -> file.toString().contains("bbbb"));
    }
  }

  @Test
  void modelThatNeedsAnAccountSaysSo() throws IOException {
    requiredToken = "secret";
    assertThatThrownBy(() -> hubWith(null).download("hf:home/tiny", (file, done, bytes) -> {}))
        .hasMessageContaining("401")
        .hasMessageContaining("HF_TOKEN");
    hubWith("secret").download("hf:home/tiny", (file, done, bytes) -> {});
    assertThat(storeTokens).isEmpty(); // the token goes to the hub alone
  }

  @Test
  void misspeltLocationIsRefused() {
    assertThatThrownBy(() -> hubWith(null).download("hf:tiny", (file, done, bytes) -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("hf:ORG/NAME");
  }
}
