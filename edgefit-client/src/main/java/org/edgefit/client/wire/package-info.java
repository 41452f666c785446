/** gRPC behind a federated client: joining a server, fetching adapters, sending updates. */
@NullMarked
package org.edgefit.client.wire;

import org.jspecify.annotations.NullMarked;
