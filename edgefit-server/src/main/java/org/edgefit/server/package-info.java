/** gRPC in front of a federation: who is connected, what they are asked, and what they send. */
@NullMarked
package org.edgefit.server;

import org.jspecify.annotations.NullMarked;
