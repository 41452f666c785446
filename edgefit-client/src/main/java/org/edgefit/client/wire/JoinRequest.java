package org.edgefit.client.wire;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.ClientId;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.RunSettings;

/**
 * What a client brings to a server.
 *
 * @param clientId the client's id; see {@link ClientId}
 * @param baseModelHash the content hash of its base model
 * @param linearLayers the base model's layers, which the adapters that it is sent must fit
 * @param description what a run records of its machine
 * @param workDirectory where adapters and updates lie while they travel
 * @param stateDirectory where it keeps what a run has it keep from round to round; the run's and
 *     the client's ids name its folder there, which is made when something is kept
 * @param patience how long it tries to reach the server before it gives up
 * @param clients makes the client once the server has said how it is to train
 */
public record JoinRequest(
    String clientId,
    String baseModelHash,
    List<LinearSpec> linearLayers,
    Map<String, String> description,
    Path workDirectory,
    Path stateDirectory,
    Duration patience,
    ClientFactory clients) {

  /** Checks the id. */
  public JoinRequest {
    ClientId.require(clientId);
    linearLayers = List.copyOf(linearLayers);
    description = Map.copyOf(description);
  }

  /** Makes a client, which may take as long as loading its base model. */
  @FunctionalInterface
  public interface ClientFactory {

    /**
     * Returns the client.
     *
     * @param settings the run's settings, for the quantisation of the base model
     */
    FederatedClient create(RunSettings settings) throws IOException;
  }
}
