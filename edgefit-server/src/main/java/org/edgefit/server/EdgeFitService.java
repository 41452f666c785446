package org.edgefit.server;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import org.edgefit.proto.Chunk;
import org.edgefit.proto.ClientMessage;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.EdgeFitGrpc;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.UpdateHeader;
import org.edgefit.proto.UploadMessage;
import org.edgefit.proto.UploadReply;
import org.edgefit.proto.codec.Chunks;
import org.edgefit.proto.codec.IncomingFile;
import org.edgefit.run.UpdateStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The calls that clients make. Tensors pass through in chunks, under back-pressure both ways. */
final class EdgeFitService extends EdgeFitGrpc.EdgeFitImplBase {

  private static final Logger log = LoggerFactory.getLogger(EdgeFitService.class);

  private final GrpcClients clients;

  EdgeFitService(GrpcClients clients) {
    this.clients = clients;
  }

  @Override
  public StreamObserver<ClientMessage> session(StreamObserver<ServerMessage> responses) {
    // With a handler, a message to a client that has just gone is dropped instead of thrown.
    ((ServerCallStreamObserver<ServerMessage>) responses).setOnCancelHandler(() -> {});
    return new StreamObserver<>() {
      private @Nullable String id;

      @Override
      public void onNext(ClientMessage message) {
        if (id == null) {
          Status refusal =
              message.hasJoin()
                  ? clients.join(message.getJoin(), responses)
                  : Status.INVALID_ARGUMENT.withDescription(
                      "first message: " + message.getMessageCase() + " (expected: JOIN)");
          if (refusal != null) {
            log.info("refused {}: {}", message.getJoin().getClientId(), refusal.getDescription());
            responses.onError(refusal.asException());
          } else {
            id = message.getJoin().getClientId();
          }
          return;
        }
        switch (message.getMessageCase()) {
          case EVALUATE_REPORT -> clients.evaluated(id, message.getEvaluateReport());
          case TASK_FAILED -> clients.failed(id, message.getTaskFailed());
          default -> log.warn("{}: unexpected message {}", id, message.getMessageCase());
        }
      }

      @Override
      public void onError(Throwable error) {
        if (id != null) {
          clients.lost(id, responses);
        }
      }

      @Override
      public void onCompleted() {
        if (id == null) {
          responses.onCompleted();
        } else {
          clients.left(id, responses);
        }
      }
    };
  }

  @Override
  public void download(DownloadRequest request, StreamObserver<Chunk> responses) {
    ServerCallStreamObserver<Chunk> call = (ServerCallStreamObserver<Chunk>) responses;
    Path file =
        clients.adapterFor(request.getClientId(), request.getInstance(), request.getRound());
    if (file == null) {
      call.onError(
          Status.FAILED_PRECONDITION
              .withDescription(
                  "adapter of round "
                      + request.getRound()
                      + ": not on offer to "
                      + request.getClientId())
              .asException());
      return;
    }
    Chunks.Sender<Chunk> sender;
    try {
      sender = new Chunks.Sender<>(file, chunk -> chunk);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    call.setOnCancelHandler(() -> closeQuietly(sender));
    call.setOnReadyHandler(
        new Runnable() {
          private boolean done;

          @Override
          public void run() {
            try {
              if (!done && sender.sendWhileReady(call)) {
                done = true;
                sender.close();
                call.onCompleted();
              }
            } catch (IOException e) {
              done = true;
              closeQuietly(sender);
              call.onError(Status.INTERNAL.withDescription(e.getMessage()).asException());
            }
          }
        });
  }

  private static void closeQuietly(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      log.debug("closing", e);
    }
  }

  @Override
  public StreamObserver<UploadMessage> upload(StreamObserver<UploadReply> responses) {
    ServerCallStreamObserver<UploadReply> call = (ServerCallStreamObserver<UploadReply>) responses;
    call.disableAutoRequest();
    call.request(1);
    return new Upload(call);
  }

  /** One update on its way into the run directory. */
  private final class Upload implements StreamObserver<UploadMessage> {
    private final ServerCallStreamObserver<UploadReply> call;
    private @Nullable UpdateHeader header;
    private @Nullable UpdateStore store;
    private @Nullable IncomingFile file;
    private boolean ended;

    Upload(ServerCallStreamObserver<UploadReply> call) {
      this.call = call;
    }

    @Override
    public void onNext(UploadMessage message) {
      if (ended) {
        return;
      }
      try {
        if (header == null) {
          begin(message);
        } else {
          Objects.requireNonNull(file).append(message.getChunk());
        }
        if (!ended) {
          call.request(1); // the next chunk, now that this one is stored
        }
      } catch (IOException e) {
        log.warn("upload: {}", e.getMessage());
        // Damage on the way is worth another try, so the client stays asked.
        end(Status.DATA_LOSS.withDescription(e.getMessage()));
      }
    }

    private void begin(UploadMessage message) throws IOException {
      if (!message.hasHeader()) {
        end(Status.INVALID_ARGUMENT.withDescription("first message: no header"));
        return;
      }
      UpdateHeader announced = message.getHeader();
      header = announced;
      GrpcClients.Admission admission = clients.admit(announced);
      store = admission.store();
      if (store == null) {
        end(admission.status());
        return;
      }
      file =
          new IncomingFile(
              store.file(announced.getClientId()),
              announced.getBytes(),
              announced.getSha256(),
              String.format(Locale.ROOT, "%016x-%08x", announced.getInstance(), hashCode()));
    }

    @Override
    public void onError(Throwable error) {
      ended = true;
      close();
    }

    @Override
    public void onCompleted() {
      if (ended) {
        return;
      }
      if (header == null || file == null || store == null) {
        end(Status.INVALID_ARGUMENT.withDescription("no update was sent"));
        return;
      }
      Status status;
      try {
        file.verify();
        status = clients.uploaded(header, store, file);
      } catch (IOException e) {
        status = Status.DATA_LOSS.withDescription(e.getMessage());
      }
      end(status);
    }

    private void end(Status status) {
      ended = true;
      close();
      if (status.isOk()) {
        call.onNext(UploadReply.getDefaultInstance());
        call.onCompleted();
      } else {
        call.onError(status.asException());
      }
    }

    private void close() {
      if (file != null) {
        closeQuietly(file);
      }
    }
  }
}
