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
 * The settings of a client.
 *
 * @param clientId the client's id; see {@link ClientId}
 * @param baseModelHash the content hash of its base model
 * @param linearLayers the base model's layers, which received adapters must fit
 * @param description properties for the run's record
 * @param workDirectory the folder for adapters and updates in transfer
 * @param stateDirectory the folder of client state, with one subfolder per run and client id, which
 *     is created on first write
 * @param patience how long it tries to reach the server before it gives up
 * @param clients makes the client once the server has sent the settings
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
