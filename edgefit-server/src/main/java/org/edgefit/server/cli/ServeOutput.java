package org.edgefit.server.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.edgefit.federation.RunListener;
import org.edgefit.federation.RunResult;
import org.edgefit.file.Json;
import org.edgefit.run.RunEvent;
import org.jspecify.annotations.Nullable;

/** What a server prints, as text or as a JSON object a line. */
final class ServeOutput {

  private final boolean json;

  ServeOutput(boolean json) {
    this.json = json;
  }

  /** Returns what prints the events of the run. */
  RunListener listener() {
    return json ? new JsonListener() : RunListener.console();
  }

  void listening(int boundPort, int minimumClients, @Nullable String hash) {
    if (json) {
      Map<String, Object> event = new LinkedHashMap<>();
      event.put("event", "listening");
      event.put("port", boundPort);
      event.put("baseModelHash", hash);
      System.out.println(Json.line(event));
    } else {
      System.out.printf(
          Locale.ROOT,
          "listening on port %d, waiting for %d client%s%n" + "base model: %s%n",
          boundPort,
          minimumClients,
          minimumClients == 1 ? "" : "s",
          hash == null ? "of the first client" : hash);
    }
    System.out.flush();
  }

  void finished(Path runDirectory, RunResult result) {
    Path last = runDirectory.resolve("adapter");
    if (json) {
      Map<String, Object> event = new LinkedHashMap<>();
      event.put("event", "finished");
      event.put("adapter", last.toString());
      event.put("adapterSha256", result.adapterSha256());
      event.put("bytesMoved", result.history().bytesMoved());
      System.out.println(Json.line(event));
    } else {
      System.out.printf(Locale.ROOT, "adapter: %s%nSHA-256: %s%n", last, result.adapterSha256());
    }
  }

  /** Prints a JSON object per event. */
  private static final class JsonListener implements RunListener {
    @Override
    public void on(RunEvent event) {
      System.out.println(event.toJson());
      System.out.flush();
    }
  }
}
