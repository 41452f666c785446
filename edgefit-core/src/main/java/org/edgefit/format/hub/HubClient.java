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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;
import org.jspecify.annotations.Nullable;

/** The hub over HTTP: what a repository holds, and the bytes of its files. */
final class HubClient {

  private static final int MOST_REDIRECTS = 5;

  private final URI address;
  private final @Nullable String token;
  private final Duration stall;
  private final HttpClient client =
      HttpClient.newBuilder()
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(20))
          .build();

  /**
   * Makes a client.
   *
   * @param token the token of an account; null for none
   * @param stall the time without a byte after which a download counts as broken
   */
  HubClient(URI address, @Nullable String token, Duration stall) {
    this.address = address;
    this.token = token;
    this.stall = stall;
  }

  /** A file of a repository. */
  record Remote(String name, URI uri, String etag, long size) {

    boolean isSha256() {
      return etag.matches("[0-9a-f]{64}");
    }
  }

  /** A network failure that a retry may fix. */
  static final class NetworkException extends IOException {
    private static final long serialVersionUID = 1;

    NetworkException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  JsonNode listing(HubRepository repository) throws IOException {
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
    String message = what + ": the hub returned " + status;
    switch (status) {
      case 401, 403 ->
          throw new IOException(
              message
                  + " (no such repository, or a private or gated one: set HF_TOKEN, and accept its"
                  + " licence on its page)");
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
  Remote locate(String path, String commit, String name) throws IOException {
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

  void receive(Remote remote, Path part, ModelHub.Progress progress) throws IOException {
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
            throw new NetworkException(remote.name() + ": stopped at byte " + done, e);
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
            remote.name() + ": " + done + " bytes (expected: " + remote.size() + ")", null);
      }
    }
  }
}
