package org.edgefit.client;

import java.io.IOException;
import java.util.Map;

/** A holder of private data that trains and evaluates on request (Flower's {@code Client}). */
public interface FederatedClient {

  /**
   * The property with the number of records a client can evaluate on. Evaluation samplers skip
   * clients that report 0.
   */
  String EVALUATION_RECORDS = "evaluationRecords";

  /** Returns the client's id, unique in a run; see {@link ClientId}. */
  String id();

  /** Returns what a run should record about the client's machine, for example its threads. */
  default Map<String, String> description() {
    return Map.of();
  }

  /**
   * Trains on the client's data.
   *
   * @throws InterruptedException if the round's deadline passed meanwhile
   */
  FitResult fit(FitInstruction instruction) throws IOException, InterruptedException;

  /**
   * Evaluates on the client's held-out data.
   *
   * @throws UnsupportedOperationException if it holds none, which is the default
   * @throws InterruptedException if the deadline passed meanwhile
   */
  default EvaluateResult evaluate(EvaluateInstruction instruction)
      throws IOException, InterruptedException {
    throw new UnsupportedOperationException(id() + " has no data to evaluate on");
  }
}
