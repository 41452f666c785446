package org.edgefit.federation;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.edgefit.client.FitInstruction;
import org.edgefit.run.UpdateStore;
import org.edgefit.strategy.FitOutcome;

/**
 * A round's training, as a pool of clients is asked for it.
 *
 * @param round the round, from 1
 * @param instructions what each client is asked, by client id
 * @param adapterFile the file of the adapter that all of them start from
 * @param updates where the clients' changes go
 * @param deadline how long the pool waits for the last of them
 * @param check returns what an outcome is worth: itself, or a rejection; any thread may call it
 * @param finished is told of each checked outcome, by the thread that asked
 */
public record FitRequest(
    int round,
    Map<String, FitInstruction> instructions,
    Path adapterFile,
    UpdateStore updates,
    Duration deadline,
    UnaryOperator<FitOutcome> check,
    Consumer<FitOutcome> finished) {

  /** Returns this request for some of its clients alone. */
  public FitRequest of(Set<String> clients) {
    Map<String, FitInstruction> some = new LinkedHashMap<>(instructions);
    some.keySet().retainAll(clients);
    return new FitRequest(round, some, adapterFile, updates, deadline, check, finished);
  }
}
