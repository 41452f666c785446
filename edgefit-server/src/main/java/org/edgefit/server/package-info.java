/** The gRPC server of a federation: connected clients, their tasks and results. */
@NullMarked
package org.edgefit.server;

import org.jspecify.annotations.NullMarked;
