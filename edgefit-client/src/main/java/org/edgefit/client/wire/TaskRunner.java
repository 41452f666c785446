package org.edgefit.client.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.ClientMemory;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.client.Payload;
import org.edgefit.client.RunSettings;
import org.edgefit.client.TaskId;
import org.edgefit.file.FileFault;
import org.edgefit.file.Sha256;
import org.edgefit.format.peft.AdapterFile;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.format.safetensors.TensorFile;
import org.edgefit.proto.DownloadRequest;
import org.edgefit.proto.FileOffer;
import org.edgefit.proto.ResultHeader;
import org.edgefit.proto.Task;
import org.edgefit.proto.codec.WireCodec;
import org.edgefit.random.Seed;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs tasks one at a time: downloads a task's adapter and tensors, has the client train or
 * evaluate, and uploads the result. Any failure is reported to the server, so that it does not
 * wait.
 */
final class TaskRunner implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(TaskRunner.class);

  private final JoinRequest request;
  private final long instance;
  private final String runId;
  private final RunSettings settings;
  private final Transfers transfers;
  private final Reports reports;
  private final ClientMemory memory;
  private final Future<FederatedClient> client;
  private final Map<Long, Future<?>> tasks = new TreeMap<>(); // guarded by this
  private final ExecutorService worker =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread thread = new Thread(work, "edgefit-training");
            thread.setDaemon(true);
            return thread;
          });

  /** Is told what came of the client and of tasks. */
  interface Reports {

    /** The client could not be made, so there is nothing to stay for. */
    void broken(Throwable cause);

    /** A task could not be done. */
    void failed(long task, String reason);
  }

  TaskRunner(
      JoinRequest request,
      long instance,
      String runId,
      RunSettings settings,
      Transfers transfers,
      Reports reports) {
    this.request = request;
    this.instance = instance;
    this.runId = runId;
    this.settings = settings;
    this.transfers = transfers;
    this.reports = reports;
    this.memory =
        new ClientMemory(request.stateDirectory().resolve(runId).resolve(request.clientId()));
    this.client = worker.submit(this::makeClient);
  }

  private FederatedClient makeClient() throws IOException {
    try {
      return request.clients().create(settings);
    } catch (IOException | RuntimeException | Error e) {
      reports.broken(e);
      throw e;
    }
  }

  /** Returns the tasks that are at work, or wait for their turn. */
  synchronized List<Long> tasks() {
    return List.copyOf(tasks.keySet());
  }

  /** Takes a task, which is done when it is its turn. */
  synchronized void start(Task task) {
    if (!tasks.containsKey(task.getTask())) {
      tasks.put(task.getTask(), worker.submit(() -> run(task)));
    }
  }

  /** Stops a task. */
  synchronized void cancel(long task) {
    Future<?> running = tasks.remove(task);
    if (running != null) {
      running.cancel(true);
    }
  }

  /** Stops all tasks. */
  void cancelAll() {
    tasks().forEach(this::cancel);
  }

  private void run(Task task) {
    long id = task.getTask();
    try {
      if (task.getKind() == Task.Kind.FIT) {
        fit(task);
      } else {
        evaluate(task);
      }
    } catch (InterruptedException e) {
      log.info("task {}: stopped", id);
    } catch (Transfers.RefusedException e) {
      log.warn("task {}: {}", id, e.getMessage());
    } catch (IOException e) {
      log.warn("task {}: {}", id, FileFault.message(e));
      reports.failed(id, FileFault.message(e));
    } catch (RuntimeException | Error e) {
      log.error("task {}", id, e);
      reports.failed(id, FileFault.message(e));
    } finally {
      synchronized (this) {
        tasks.remove(id);
      }
    }
  }

  private FederatedClient client() throws IOException, InterruptedException {
    try {
      return client.get();
    } catch (ExecutionException e) {
      throw new IOException("cannot create the client", e);
    }
  }

  private void fit(Task task) throws IOException, InterruptedException {
    TaskId id = new TaskId(task.getTask());
    NamedTensors kept = remembered(task);
    FitInstruction instruction =
        new FitInstruction(
            id,
            task.getRound(),
            task.getRounds(),
            adapter(task),
            settings,
            WireCodec.training(task),
            new Seed(task.getSeed()),
            payload(task),
            kept);
    FitResult result = client().fit(instruction);
    if (result == null) {
      throw new IOException("the client answered null (expected: a result)");
    }
    NamedTensors left = result.memory();
    if (left != null) {
      memory.stage(id, left);
    }
    // If the answer is refused, no later task asks for what was kept.
    ResultHeader header =
        header(task, result.metrics())
            .setExamples(result.examples())
            .setLabelTokens(result.labelTokens())
            .setKeepsMemory(left != null)
            .build();
    submit(header, result.delta(), result.tensors());
  }

  private void evaluate(Task task) throws IOException, InterruptedException {
    EvaluateInstruction instruction =
        new EvaluateInstruction(
            new TaskId(task.getTask()),
            task.getRound(),
            adapter(task),
            settings,
            payload(task),
            remembered(task));
    EvaluateResult result = client().evaluate(instruction);
    if (result == null) {
      throw new IOException("the client answered null (expected: a result)");
    }
    ResultHeader header = header(task, result.metrics()).setExamples(result.examples()).build();
    if (result.tensors().isEmpty()) {
      transfers.submit(header, null);
    } else {
      submit(header, AdapterDelta.zero(new AdapterLayout(List.of())), result.tensors());
    }
  }

  private NamedTensors remembered(Task task) throws IOException {
    TaskId version = WireCodec.task(task.getMemory());
    NamedTensors kept = memory.read(version);
    memory.prune(WireCodec.task(task.getMemoryHorizon()));
    return kept;
  }

  private ResultHeader.Builder header(Task task, Map<String, Double> metrics) {
    ResultHeader.Builder header =
        ResultHeader.newBuilder()
            .setRunId(runId)
            .setClientId(request.clientId())
            .setInstance(instance)
            .setTask(task.getTask());
    // The wire has no word for an absent number; NaN is dropped by the server, which says so.
    metrics.forEach((name, value) -> header.putMetrics(name, value == null ? Double.NaN : value));
    return header;
  }

  private void submit(ResultHeader header, AdapterDelta delta, NamedTensors tensors)
      throws IOException, InterruptedException {
    Path file = workFile("update");
    try {
      UpdateFile.write(delta, tensors, file);
      transfers.submit(
          header.toBuilder().setBytes(Files.size(file)).setSha256(Sha256.of(file)).build(), file);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private Adapter adapter(Task task) throws IOException, InterruptedException {
    LoraConfig lora = WireCodec.lora(task);
    AdapterLayout layout = AdapterLayout.of(lora, request.linearLayers());
    Path file = workFile("adapter");
    try {
      download(task, task.getAdapter(), file);
      return AdapterFile.readAdapter(file, lora, layout);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private Payload payload(Task task) throws IOException, InterruptedException {
    NamedTensors tensors = NamedTensors.none();
    if (task.hasTensors()) {
      Path file = workFile("tensors");
      try {
        download(task, task.getTensors(), file);
        tensors = TensorFile.copy(file);
      } finally {
        Files.deleteIfExists(file);
      }
    }
    return new Payload(tensors, WireCodec.config(task));
  }

  private void download(Task task, FileOffer offer, Path file)
      throws IOException, InterruptedException {
    transfers.download(
        DownloadRequest.newBuilder()
            .setRunId(runId)
            .setClientId(request.clientId())
            .setInstance(instance)
            .setTask(task.getTask())
            .build(),
        offer,
        file);
  }

  private Path workFile(String kind) throws IOException {
    Files.createDirectories(request.workDirectory());
    return request
        .workDirectory()
        .resolve(
            request.clientId() + "-" + Long.toHexString(instance) + "-" + kind + ".safetensors");
  }

  /** Stops, and waits for the step that is at work. */
  @Override
  public void close() {
    worker.shutdownNow();
    try {
      if (!worker.awaitTermination(1, TimeUnit.MINUTES)) { // a step may take its time
        log.warn("a task is still running");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
