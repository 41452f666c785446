package org.edgefit.simulation;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.client.FederatedClient;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.ClientPoolContract;
import org.edgefit.federation.InProcessClients;
import org.edgefit.random.Seed;

/** The virtual clock's pool, whose devices take seconds of its own time. */
class SimulatedPoolTest extends ClientPoolContract {

  @Override
  protected ClientPool pool(List<? extends FederatedClient> clients) {
    DeviceProfile device = new DeviceProfile("d", 1, 1, 1, 1, 0, 0, 0.5);
    Map<String, ClientWork> work = new TreeMap<>();
    clients.forEach(client -> work.put(client.id(), new ClientWork(device, 1, 2, 1)));
    return new SimulatedClients(
        InProcessClients.of(clients).parallel(3),
        new VirtualClock(work, Double.POSITIVE_INFINITY, new Seed(1)));
  }
}
