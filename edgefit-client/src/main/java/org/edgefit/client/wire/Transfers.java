package org.edgefit.client.wire;

import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.ExecutionException;
import org.edgefit.proto.Chunk;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.EdgeFitGrpc;
import org.edgefit.proto.FileOffer;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.codec.DamagedTransferException;
import org.edgefit.proto.codec.IncomingFile;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Fetches files from the server and sends answers, and tries again while it is out of reach. */
final class Transfers {

  private static final Logger log = LoggerFactory.getLogger(Transfers.class);

  private final ManagedChannel channel;
  private final Duration patience;

  Transfers(ManagedChannel channel, Duration patience) {
    this.channel = channel;
    this.patience = patience;
  }

  /** The server has no use for a call: its task is over, or its answer is rejected. */
  static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1;

    RefusedException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * Fetches a file.
   *
   * @param request what to ask for, but for the hash
   * @param file where it goes; the caller deletes it
   */
  void download(DownloadRequest request, FileOffer offer, Path file)
      throws IOException, InterruptedException {
    DownloadRequest asked = request.toBuilder().setSha256(offer.getSha256()).build();
    retrying(
        "download",
        () -> {
          try (IncomingFile incoming =
              new IncomingFile(file, offer.getBytes(), offer.getSha256())) {
            receive(asked, incoming);
            incoming.keep(false);
          }
        });
  }

  /** Receives a file's chunks, and leaves no call open, whatever comes of them. */
  private void receive(DownloadRequest asked, IncomingFile incoming) throws IOException {
    try (Context.CancellableContext call = Context.current().withCancellation()) {
      Context before = call.attach();
      try {
        Iterator<Chunk> chunks = EdgeFitGrpc.newBlockingStub(channel).download(asked);
        while (chunks.hasNext()) {
          incoming.append(chunks.next());
        }
      } finally {
        call.detach(before);
      }
    }
  }

  /**
   * Sends an answer, until the server has taken it.
   *
   * @param file its tensors; null if there are none
   * @throws RefusedException if the server has no use for it
   */
  void submit(ResultHeader header, @Nullable Path file) throws IOException, InterruptedException {
    retrying(
        "answer to task " + header.getTask(),
        () -> {
          Submission submission = new Submission(header, file);
          EdgeFitGrpc.newStub(channel).submit(submission);
          try {
            submission.reply().get();
          } catch (ExecutionException e) {
            throw Status.fromThrowable(e.getCause()).asRuntimeException();
          } finally {
            submission.cancel();
          }
        });
    long bytes = file == null ? 0 : Files.size(file);
    log.info("task {}: result sent, {} bytes", header.getTask(), bytes);
  }

  private interface Attempt {
    void run() throws IOException, InterruptedException;
  }

  private void retrying(String what, Attempt attempt) throws IOException, InterruptedException {
    Backoff backoff = new Backoff();
    long start = System.nanoTime();
    while (true) {
      try {
        attempt.run();
        return;
      } catch (DamagedTransferException e) {
        waitOrGiveUp(what + ": " + e.getMessage(), e, start, backoff);
      } catch (StatusRuntimeException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException("task cancelled");
        }
        String said = what + ": " + said(e.getStatus());
        switch (e.getStatus().getCode()) {
          case FAILED_PRECONDITION, INVALID_ARGUMENT, ALREADY_EXISTS ->
              throw new RefusedException(said, e);
          // ABORTED: the session that the server knows is another; the next join mends that.
          case UNAVAILABLE, DATA_LOSS, INTERNAL, UNKNOWN, CANCELLED, ABORTED, DEADLINE_EXCEEDED ->
              waitOrGiveUp(said, e, start, backoff);
          default -> throw new IOException(said, e);
        }
      }
    }
  }

  private void waitOrGiveUp(String said, Exception e, long start, Backoff backoff)
      throws IOException, InterruptedException {
    if (System.nanoTime() - start > patience.toNanos()) {
      throw new IOException(said, e);
    }
    log.warn("{}; retrying", said);
    backoff.sleep();
  }

  private static String said(Status status) {
    return status.getDescription() == null ? status.getCode().toString() : status.getDescription();
  }
}
