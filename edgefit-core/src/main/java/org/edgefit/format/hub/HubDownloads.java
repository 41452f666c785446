package org.edgefit.format.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Sha256;

/** Downloads into the cache: retried, resumed, verified and linked. */
final class HubDownloads {

  private static final int TRIES = 5;

  private final HubClient client;

  HubDownloads(HubClient client) {
    this.client = client;
  }

  void fetch(
      HubRepository repository,
      String commit,
      String name,
      Path snapshot,
      ModelHub.Progress progress)
      throws IOException {
    Path folder = repository.folder();
    Path blobs = Files.createDirectories(folder.resolve("blobs"));
    for (int attempt = 1; ; attempt++) {
      try {
        HubClient.Remote remote = client.locate(repository.path(), commit, name);
        Path blob = blobs.resolve(remote.etag());
        synchronized (HubDownloads.class) { // file locks are between processes
          Path lock =
              Files.createDirectories(folder.resolve(HubRepository.COMPLETE)).resolve("lock");
          try (FileChannel channel =
                  FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
              FileLock held = channel.lock()) {
            if (held.isValid() && !Files.exists(blob)) {
              Path part = blobs.resolve(remote.etag() + ".incomplete");
              client.receive(remote, part, progress);
              verify(remote, part);
              DurableFiles.publish(part, blob);
            }
          }
        }
        link(blob, snapshot.resolve(name));
        return;
      } catch (HubClient.NetworkException e) {
        if (attempt == TRIES) {
          throw e;
        }
        pause(attempt);
      }
    }
  }

  private static void pause(int attempt) throws IOException {
    try {
      Thread.sleep(200L << attempt);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted between tries", e);
    }
  }

  /** Large files are named by their SHA-256, small ones as git names them. */
  private static void verify(HubClient.Remote remote, Path part) throws IOException {
    MessageDigest digest = remote.isSha256() ? Sha256.digest() : gitDigest(Files.size(part));
    try (FileChannel in = FileChannel.open(part)) {
      ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
      while (in.read(buffer.clear()) >= 0) {
        digest.update(buffer.flip());
      }
    }
    String hash = HexFormat.of().formatHex(digest.digest());
    if (!hash.equals(remote.etag())) {
      Files.delete(part);
      throw new IOException(
          remote.name() + ": hash " + hash + " (expected: " + remote.etag() + "); it is deleted");
    }
  }

  private static MessageDigest gitDigest(long size) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-1");
      digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Links a file of a snapshot to its blob, or copies it where the system has no links. */
  private static void link(Path blob, Path file) throws IOException {
    Path folder = file.resolveSibling("").toAbsolutePath();
    Files.createDirectories(folder);
    try {
      Files.createSymbolicLink(file, folder.relativize(blob.toAbsolutePath()));
    } catch (FileAlreadyExistsException e) {
      // another process was faster
    } catch (UnsupportedOperationException | IOException e) {
      Path part = DurableFiles.partOf(file);
      Files.copy(blob, part, StandardCopyOption.REPLACE_EXISTING);
      DurableFiles.publish(part, file);
    }
  }
}
