package org.edgefit.examples;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.client.LocalRule;
import org.edgefit.client.LocalRules;
import org.edgefit.client.RunSettings;
import org.edgefit.client.TaskId;
import org.edgefit.client.wire.JoinRequest;
import org.edgefit.client.wire.ServerConnection;
import org.edgefit.examples.strategies.Proximal;
import org.edgefit.examples.strategies.Recipes;
import org.edgefit.federation.ClientPool;
import org.edgefit.federation.Federation;
import org.edgefit.federation.InProcessClients;
import org.edgefit.federation.RunListener;
import org.edgefit.federation.RunResult;
import org.edgefit.random.Seed;
import org.edgefit.run.OnDamage;
import org.edgefit.run.RunDirectory;
import org.edgefit.run.RunEvent;
import org.edgefit.server.EdgeFitServer;
import org.edgefit.server.RunTerms;

/**
 * A run of a recipe over small clients that train by rules of their own, in process or over gRPC,
 * which goes on where it was stopped, and may be killed inside its third round. Arguments: {@code
 * in-process} or {@code grpc}, the recipe, the run directory, {@code go} or {@code kill}.
 */
final class ProofRun {

  static final int ROUNDS = 5;

  private static final int KILLED_ROUND = 3;
  private static final int CLIENTS = 5;
  private static final String HASH = "ab".repeat(32);
  private static final List<LinearSpec> LAYERS =
      List.of(
          new LinearSpec("model.layers.0.self_attn.q_proj", 6, 4),
          new LinearSpec("model.layers.0.self_attn.v_proj", 6, 3));
  private static final LoraConfig LORA = new LoraConfig(2, 4, 0, List.of("q_proj", "v_proj"));

  private final String recipe;
  private final Path directory;
  private final boolean isKilled;

  /**
   * Tasks in the order in which they were asked: where there is no barrier, they end in that order,
   * two in each round that is open, so that the order of events is that of every run.
   */
  private final LinkedBlockingQueue<TaskId> inTurn = new LinkedBlockingQueue<>();

  private final AtomicInteger endsLeft = new AtomicInteger();

  private ProofRun(String recipe, Path directory, boolean isKilled) {
    this.recipe = recipe;
    this.directory = directory;
    this.isKilled = isKilled;
  }

  public static void main(String[] args) throws Exception {
    RunResult result = run(args[0], args[1], Path.of(args[2]), args[3].equals("kill"));
    System.out.println(result.adapterSha256());
  }

  static RunResult run(String mode, String recipe, Path directory, boolean isKilled)
      throws Exception {
    ProofRun run = new ProofRun(recipe, directory, isKilled);
    return mode.equals("grpc") ? run.networked() : run.inProcess();
  }

  private List<FederatedClient> clients() {
    List<FederatedClient> clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(new Home("home-" + i, i));
    }
    return clients;
  }

  private Federation federation(ClientPool pool, RunDirectory held) {
    return Federation.builder()
        .strategy(Objects.requireNonNull(Recipes.all().get(recipe)))
        .clients(pool)
        .adapter(Adapter.initial(LORA, LAYERS, new Seed(1)))
        .seed(11)
        .minimumClients(CLIENTS)
        .runDirectory(held)
        .listener(turns())
        .build();
  }

  private RunListener turns() {
    return event -> {
      if (event instanceof RunEvent.TaskAsked asked) {
        inTurn.add(asked.task());
      } else if (event instanceof RunEvent.ClientFinished finished) {
        endsLeft.decrementAndGet();
        inTurn.remove(finished.outcome().task());
      } else if (event instanceof RunEvent.RoundOpened) {
        endsLeft.set(2);
      }
    };
  }

  private RunResult inProcess() throws IOException, InterruptedException {
    try (RunDirectory held = RunDirectory.resume(directory, OnDamage.REFUSE)) {
      return federation(InProcessClients.of(clients()).parallel(3), held).run(ROUNDS);
    }
  }

  private RunResult networked() throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    try (RunDirectory held = RunDirectory.resume(directory, OnDamage.REFUSE);
        EdgeFitServer server =
            EdgeFitServer.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                new RunTerms(held.runId(), HASH, RunSettings.defaults(), Duration.ofSeconds(10)))) {
      for (FederatedClient client : clients()) {
        JoinRequest request =
            new JoinRequest(
                client.id(),
                HASH,
                LAYERS,
                Map.of(),
                directory.resolveSibling("work"),
                directory.resolveSibling("state"),
                Duration.ofSeconds(20),
                settings -> client);
        threads.submit(
            () -> {
              try (ServerConnection connection =
                  new ServerConnection("127.0.0.1", server.port(), request)) {
                connection.run();
              }
              return null;
            });
      }
      return federation(server.clients(), held).run(ROUNDS);
    } finally {
      threads.shutdown();
    }
  }

  /** A home with f(w) = a/2 ||w - c||^2 and noise, that takes three steps of gradient descent. */
  private final class Home implements FederatedClient {
    private final String id;
    private final int number;

    Home(String id, int number) {
      this.id = id;
      this.number = number;
    }

    @Override
    public String id() {
      return id;
    }

    @Override
    public FitResult fit(FitInstruction asked) throws IOException, InterruptedException {
      killIfItIsTime(asked);
      if (recipe.equals("buffer")) {
        awaitTurn(asked.task());
      }
      LocalRule.LocalTraining rule =
          LocalRules.found().with(new Proximal()).of(asked.training()).begin(asked);
      SplittableRandom noise = asked.seed().generator();
      List<FloatBuffer> weights = new ArrayList<>();
      for (int t = 0; t < asked.adapter().layout().tensors().size(); t++) {
        FloatBuffer copy = FloatBuffer.allocate(asked.adapter().tensor(t).capacity());
        weights.add(copy.put(asked.adapter().tensor(t)).clear());
      }
      double loss = 0;
      for (int step = 0; step < 3; step++) {
        for (int t = 0; t < weights.size(); t++) {
          FloatBuffer w = weights.get(t);
          FloatBuffer gradient = FloatBuffer.allocate(w.capacity());
          for (int i = 0; i < gradient.capacity(); i++) {
            double g = (1 + number) * (w.get(i) - 0.1 * number) + noise.nextDouble(-0.1, 0.1);
            gradient.put(i, (float) g);
            loss += g * g;
          }
          rule.correct(t, w.asReadOnlyBuffer(), gradient);
          for (int i = 0; i < gradient.capacity(); i++) {
            w.put(i, w.get(i) - 0.05f * gradient.get(i));
          }
        }
      }
      Adapter trained = Adapter.of(asked.adapter().config(), asked.adapter().layout(), weights);
      FitResult plain =
          new FitResult(trained.minus(asked.adapter()), 3 + number, 9, Map.of("loss", loss));
      return rule.end(trained, plain);
    }

    @Override
    public EvaluateResult evaluate(EvaluateInstruction asked) {
      double sum = 0;
      for (int t = 0; t < asked.adapter().layout().tensors().size(); t++) {
        FloatBuffer w = asked.adapter().tensor(t);
        for (int i = 0; i < w.capacity(); i++) {
          sum += Math.pow(w.get(i) - 0.1 * number, 2);
        }
      }
      return new EvaluateResult(2 + number, Map.of("loss", sum));
    }

    private void awaitTurn(TaskId task) throws InterruptedException {
      while (!task.equals(inTurn.peek()) || endsLeft.get() < 1) {
        Thread.sleep(2);
      }
    }

    /** Kills the process inside a round: the log has one answer in it, and this one is at work. */
    private void killIfItIsTime(FitInstruction asked) throws IOException, InterruptedException {
      if (isKilled && asked.round() == KILLED_ROUND) {
        String answered = "\"event\":\"clientFinished\",\"round\":" + KILLED_ROUND;
        boolean isFirst = recipe.equals("buffer") ? false : number == first(asked);
        while (!isFirst) {
          if (Files.readString(directory.resolve("journal.log")).contains(answered)) {
            Runtime.getRuntime().halt(137);
          }
          Thread.sleep(5);
          isFirst = recipe.equals("buffer") && asked.task().equals(inTurn.peek());
        }
      }
    }

    /** Returns the number of the first client that the round asks. */
    private int first(FitInstruction asked) throws IOException {
      String opened = "\"event\":\"roundOpened\",\"round\":" + asked.round();
      for (String line : Files.readAllLines(directory.resolve("journal.log"))) {
        int at = line.indexOf(opened);
        if (at >= 0) {
          int clients = line.indexOf("\"clients\":[\"home-", at);
          return line.charAt(clients + "\"clients\":[\"home-".length()) - '0';
        }
      }
      throw new IllegalStateException("the round is not open");
    }
  }
}
