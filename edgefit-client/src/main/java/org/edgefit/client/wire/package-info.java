/** The gRPC client: joining a server, downloading adapters, uploading updates. */
@NullMarked
package org.edgefit.client.wire;

import org.jspecify.annotations.NullMarked;
