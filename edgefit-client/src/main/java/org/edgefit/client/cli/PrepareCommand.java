package org.edgefit.client.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.edgefit.client.engine.EngineCache;
import org.edgefit.client.engine.OwnLoader;
import org.edgefit.client.engine.TorchEngine;
import picocli.CommandLine.Command;

/** Fills the engine's cache. */
@Command(
    name = "prepare",
    description =
        "Unpacks the engine's libraries into its cache for all users and loads them, so that later"
            + " processes, as in a read-only image, need not write there. EDGEFIT_CACHE sets the"
            + " folder.",
    mixinStandardHelpOptions = true)
final class PrepareCommand implements Callable<Integer> {

  @Override
  public Integer call() throws IOException {
    EngineCache cache = EngineCache.ofProcess();
    TorchEngine.newManager().close();
    OwnLoader.loadTokenizers();
    Path closed = cache.share();
    System.out.printf(Locale.ROOT, "ready: %s, %.0f MB%n", cache.folder(), cache.size() / 1e6);
    if (closed != null) {
      System.out.printf("for this user only: others cannot enter %s%n", closed);
    }
    return 0;
  }
}
