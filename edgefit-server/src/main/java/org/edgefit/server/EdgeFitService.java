package org.edgefit.server;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.edgefit.client.ClientText;
import org.edgefit.federation.Task;
import org.edgefit.proto.Chunk;
import org.edgefit.proto.ClientMessage;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.EdgeFitGrpc;
import org.edgefit.proto.Receipt;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.ServerMessage;
import org.edgefit.proto.SubmitMessage;
import org.edgefit.proto.codec.Chunks;
import org.edgefit.proto.codec.DamagedTransferException;
import org.edgefit.proto.codec.IncomingFile;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The gRPC service. Tensors are streamed in chunks, with backpressure both ways. */
final class EdgeFitService extends EdgeFitGrpc.EdgeFitImplBase {

  private static final Logger log = LoggerFactory.getLogger(EdgeFitService.class);

  private final GrpcClients clients;
  private final RunTerms terms;
  private final Set<Upload> uploads = ConcurrentHashMap.newKeySet();

  EdgeFitService(GrpcClients clients, RunTerms terms) {
    this.clients = clients;
    this.terms = terms;
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
            log.info(
                "refused {}: {}",
                ClientText.shown(message.getJoin().getClientId(), 80),
                refusal.getDescription());
            responses.onError(refusal.asException());
          } else {
            id = message.getJoin().getClientId();
          }
          return;
        }
        switch (message.getMessageCase()) {
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
    TransferAdmission.Offer offer = clients.transfers().offer(request);
    if (offer.path() == null) {
      call.onError(offer.status().asException());
      return;
    }
    Chunks.Sender<Chunk> sender;
    try {
      sender = new Chunks.Sender<>(offer.path(), chunk -> chunk);
    } catch (IOException e) {
      call.onError(notRead(e).asException());
      return;
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
                offer.sent().run();
              }
            } catch (IOException e) {
              done = true;
              closeQuietly(sender);
              call.onError(notRead(e).asException());
            }
          }
        });
  }

  private static Status notRead(IOException e) {
    log.error("a file of the run cannot be read", e);
    return Status.INTERNAL.withDescription("the server cannot read the file: " + Storage.reason(e));
  }

  private static void closeQuietly(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      log.debug("closing", e);
    }
  }

  @Override
  public StreamObserver<SubmitMessage> submit(StreamObserver<Receipt> responses) {
    ServerCallStreamObserver<Receipt> call = (ServerCallStreamObserver<Receipt>) responses;
    call.disableAutoRequest();
    Upload upload = new Upload(call);
    uploads.add(upload);
    call.request(1);
    return upload;
  }

  /** Ends uploads that have brought nothing for too long. */
  void endIdleUploads() {
    for (Upload upload : uploads) {
      if (System.nanoTime() - upload.lastNanos > terms.idleLimit().toNanos()) {
        upload.end(
            Status.DEADLINE_EXCEEDED.withDescription(
                "no data for " + terms.idleLimit().toMillis() / 1e3 + " s"));
      }
    }
  }

  /** One answer on its way into the run directory. Calls and the sweeper take turns. */
  private final class Upload implements StreamObserver<SubmitMessage> {
    private final ServerCallStreamObserver<Receipt> call;
    private volatile long lastNanos = System.nanoTime();
    private @Nullable ResultHeader header;
    private @Nullable Task task;
    private @Nullable IncomingFile file;
    private boolean isEnded;

    Upload(ServerCallStreamObserver<Receipt> call) {
      this.call = call;
      call.setOnCancelHandler(this::cancelled);
    }

    @Override
    public void onNext(SubmitMessage message) {
      lastNanos = System.nanoTime();
      try {
        if (header == null) {
          begin(message);
        } else {
          append(message);
        }
      } catch (DamagedTransferException e) {
        log.warn("upload: {}", e.getMessage());
        // Damage on the way is worth another try, so the client stays asked.
        end(Status.DATA_LOSS.withDescription(e.getMessage()));
      } catch (IOException e) {
        end(task == null ? notRead(e) : clients.transfers().notStored(task, e));
      }
    }

    private void endForAnother() {
      end(Status.ABORTED.withDescription("the task ended, or has another upload"));
    }

    private void begin(SubmitMessage message) throws IOException {
      if (!message.hasHeader()) {
        end(Status.INVALID_ARGUMENT.withDescription("first message: no header"));
        return;
      }
      ResultHeader announced = message.getHeader();
      TransferAdmission.Admission admission =
          clients.transfers().admit(announced, this::endForAnother);
      synchronized (this) {
        header = announced;
        task = admission.task();
        if (task != null && announced.getBytes() > 0 && !isEnded) {
          file = new IncomingFile(task.incoming(), announced.getBytes(), announced.getSha256());
        }
      }
      if (task == null) {
        end(admission.status());
      } else {
        call.request(1);
      }
    }

    private void append(SubmitMessage message) throws IOException {
      synchronized (this) {
        if (isEnded) {
          return;
        }
        if (file != null) {
          file.append(message.getChunk());
        }
      }
      call.request(1); // the next chunk, now that this one is stored
    }

    @Override
    public void onError(Throwable error) {
      cancelled();
    }

    private synchronized void cancelled() {
      isEnded = true;
      close();
    }

    @Override
    public void onCompleted() {
      ResultHeader announced = header;
      Task answered = task;
      if (announced == null || answered == null) {
        end(Status.INVALID_ARGUMENT.withDescription("empty upload"));
        return;
      }
      if (isEnded) {
        return;
      }
      IOException fault = keep();
      if (fault instanceof DamagedTransferException) {
        end(Status.DATA_LOSS.withDescription(fault.getMessage()));
        return;
      }
      if (fault != null) {
        end(clients.transfers().notStored(answered, fault));
        return;
      }
      IncomingFile whole = file;
      Task.Result result =
          new Task.Result(
              announced.getExamples(),
              announced.getLabelTokens(),
              announced.getMetricsMap(),
              whole == null ? null : whole.path(),
              whole == null ? null : announced.getSha256(),
              announced.getKeepsMemory());
      end(clients.transfers().complete(answered, announced, result));
    }

    /** Keeps the file, if it is whole; returns why not, or null. */
    private synchronized @Nullable IOException keep() {
      try {
        if (file != null && !isEnded) {
          file.keep(true);
        }
        return null;
      } catch (IOException e) {
        return e;
      }
    }

    private synchronized void end(Status status) {
      if (isEnded) {
        return;
      }
      isEnded = true;
      close();
      if (status.isOk() && header != null) {
        call.onNext(
            Receipt.newBuilder()
                .setRunId(header.getRunId())
                .setTask(header.getTask())
                .setSha256(header.getSha256())
                .build());
        call.onCompleted();
      } else {
        call.onError(status.asException());
      }
    }

    private void close() {
      uploads.remove(this);
      if (file != null) {
        closeQuietly(file);
      }
    }
  }
}
