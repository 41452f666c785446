package org.edgefit.client.wire;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.edgefit.proto.Receipt;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.SubmitMessage;
import org.edgefit.proto.codec.Chunks;
import org.jspecify.annotations.Nullable;

/** One attempt to send an answer: the header, then the file's chunks as the call takes them. */
final class Submission implements ClientResponseObserver<SubmitMessage, Receipt> {

  private final ResultHeader header;
  private final Chunks.@Nullable Sender<SubmitMessage> sender;
  private final CompletableFuture<Receipt> reply = new CompletableFuture<>();
  private @Nullable ClientCallStreamObserver<SubmitMessage> call;
  private boolean headerSent;
  private boolean done;

  /**
   * Makes an attempt.
   *
   * @param file the tensors; null if there are none
   */
  Submission(ResultHeader header, @Nullable Path file) throws IOException {
    this.header = header;
    this.sender =
        file == null
            ? null
            : new Chunks.Sender<>(
                file, chunk -> SubmitMessage.newBuilder().setChunk(chunk).build());
  }

  /** Returns what the server answers; it fails with the call's status. */
  CompletableFuture<Receipt> reply() {
    return reply;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<SubmitMessage> requestStream) {
    call = requestStream;
    requestStream.setOnReadyHandler(this::send);
  }

  private synchronized void send() {
    ClientCallStreamObserver<SubmitMessage> stream = call;
    if (done || stream == null) {
      return;
    }
    try {
      if (!headerSent) {
        stream.onNext(SubmitMessage.newBuilder().setHeader(header).build());
        headerSent = true;
      }
      if (sender == null || sender.sendWhileReady(stream)) {
        done = true;
        closeFile();
        stream.onCompleted();
      }
    } catch (IOException e) {
      done = true;
      stream.cancel("cannot read the result file", e);
    }
  }

  @Override
  public void onNext(Receipt value) {
    reply.complete(value);
  }

  @Override
  public void onError(Throwable error) {
    finish();
    reply.completeExceptionally(error);
  }

  @Override
  public void onCompleted() {
    finish();
    reply.completeExceptionally(new IOException("no receipt from the server"));
  }

  /** Ends the call, if it is under way. */
  synchronized void cancel() {
    ClientCallStreamObserver<SubmitMessage> stream = call;
    if (stream != null && !reply.isDone()) {
      stream.cancel("the client gave up", null);
    }
  }

  private synchronized void finish() {
    done = true;
    try {
      closeFile();
    } catch (IOException e) {
      reply.completeExceptionally(e);
    }
  }

  private void closeFile() throws IOException {
    if (sender != null) {
      sender.close();
    }
  }
}
