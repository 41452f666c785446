package org.edgefit.client.wire;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.edgefit.proto.UpdateHeader;
import org.edgefit.proto.UploadMessage;
import org.edgefit.proto.UploadReply;
import org.edgefit.proto.codec.Chunks;
import org.jspecify.annotations.Nullable;

/** One attempt to send an update: the header, then the file's chunks as the call takes them. */
final class Upload implements ClientResponseObserver<UploadMessage, UploadReply> {

  private final UpdateHeader header;
  private final Chunks.Sender<UploadMessage> sender;
  private final CompletableFuture<UploadReply> reply = new CompletableFuture<>();
  private @Nullable ClientCallStreamObserver<UploadMessage> call;
  private boolean headerSent;
  private boolean done;

  Upload(UpdateHeader header, Path file) throws IOException {
    this.header = header;
    this.sender =
        new Chunks.Sender<>(file, chunk -> UploadMessage.newBuilder().setChunk(chunk).build());
  }

  /** Returns what the server answers; it fails with the call's status. */
  CompletableFuture<UploadReply> reply() {
    return reply;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<UploadMessage> requestStream) {
    call = requestStream;
    requestStream.setOnReadyHandler(this::send);
  }

  private synchronized void send() {
    ClientCallStreamObserver<UploadMessage> stream = call;
    if (done || stream == null) {
      return;
    }
    try {
      if (!headerSent) {
        stream.onNext(UploadMessage.newBuilder().setHeader(header).build());
        headerSent = true;
      }
      if (sender.sendWhileReady(stream)) {
        done = true;
        sender.close();
        stream.onCompleted();
      }
    } catch (IOException e) {
      done = true;
      stream.cancel("the update could not be read", e);
    }
  }

  @Override
  public void onNext(UploadReply value) {
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
    reply.completeExceptionally(new IOException("the server ended the upload without an answer"));
  }

  private synchronized void finish() {
    done = true;
    try {
      sender.close();
    } catch (IOException e) {
      reply.completeExceptionally(e);
    }
  }
}
