package org.edgefit.client.wire;

import io.grpc.LoadBalancerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.TimeUnit;
import org.edgefit.proto.codec.Chunks;
import org.jspecify.annotations.Nullable;

/** The HTTP/2 channel to a server. */
final class ServerChannel {

  private ServerChannel() {}

  /**
   * Opens a channel, which dials when it is used.
   *
   * @throws IllegalStateException if gRPC's service files are not all there
   */
  static ManagedChannel open(String host, int port) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(host, port)
            .usePlaintext()
            .maxInboundMessageSize(Chunks.MESSAGE_BYTES)
            .keepAliveTime(20, TimeUnit.SECONDS)
            .keepAliveTimeout(20, TimeUnit.SECONDS);
    if (LoadBalancerRegistry.getDefaultRegistry().getProvider("pick_first") == null) {
      throw incomplete(host, "load-balances", null);
    }
    try {
      return builder.build();
    } catch (IllegalArgumentException e) {
      if (!String.valueOf(e.getMessage()).contains("NameResolver")) {
        throw e;
      }
      throw incomplete(host, "resolves it", e);
    }
  }

  private static IllegalStateException incomplete(
      String host, String task, @Nullable Exception cause) {
    return new IllegalStateException(
        host
            + ": gRPC has nothing that "
            + task
            + " (expected: its files in META-INF/services, which a shaded jar must merge)",
        cause);
  }
}
