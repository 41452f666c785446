package org.edgefit.client.qlora;

import ai.djl.Device;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.client.ClientId;
import org.edgefit.client.EvaluateInstruction;
import org.edgefit.client.EvaluateResult;
import org.edgefit.client.FederatedClient;
import org.edgefit.client.FitInstruction;
import org.edgefit.client.FitResult;
import org.edgefit.client.LocalRule;
import org.edgefit.client.LocalRules;
import org.edgefit.client.engine.ComputeProbe;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.data.InstructionDataset;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A federated client with a frozen base model and private records, on which it trains the received
 * adapter. Any number can share a base model in a JVM.
 */
public final class QloraClient implements FederatedClient {

  private static final Logger log = LoggerFactory.getLogger(QloraClient.class);

  private final String id;
  private final BaseModel base;
  private final InstructionDataset data;
  private final @Nullable InstructionDataset heldOut;
  private final StepListener listener;
  private final ComputeOptions options;
  private final LocalRules rules;

  private QloraClient(
      String id,
      BaseModel base,
      InstructionDataset data,
      @Nullable InstructionDataset heldOut,
      StepListener listener,
      ComputeOptions options,
      LocalRules rules) {
    this.id = ClientId.require(id);
    this.base = base;
    this.data = data;
    this.heldOut = heldOut;
    this.listener = listener;
    this.options = options;
    this.rules = rules;
  }

  /**
   * Makes a client.
   *
   * @param id the client's id, unique in a run
   * @param data the records that it trains on
   */
  public QloraClient(String id, BaseModel base, InstructionDataset data) {
    this(id, base, data, null, StepListener.none(), ComputeOptions.defaults(), LocalRules.found());
  }

  /** Returns this client with records to evaluate on. */
  public QloraClient withHeldOut(InstructionDataset newHeldOut) {
    return new QloraClient(id, base, data, newHeldOut, listener, options, rules);
  }

  /** Returns this client with a listener to its training steps. */
  public QloraClient withListener(StepListener newListener) {
    return new QloraClient(id, base, data, heldOut, newListener, options, rules);
  }

  /**
   * Returns this client with other compute options.
   *
   * @throws IllegalArgumentException if the base model's device does not support the compute type
   */
  public QloraClient withCompute(ComputeOptions newOptions) {
    ComputeProbe.require(newOptions.type(), base.device());
    return new QloraClient(id, base, data, heldOut, listener, newOptions, rules);
  }

  /** Returns this client with a custom local rule, which assignments select by name. */
  public QloraClient withRule(LocalRule rule) {
    return withRules(rules.with(rule));
  }

  /** Returns this client with the local rules that assignments can select by name. */
  public QloraClient withRules(LocalRules newRules) {
    return new QloraClient(id, base, data, heldOut, listener, options, newRules);
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public Map<String, String> description() {
    Map<String, String> description = new TreeMap<>(machine(options, base.device()));
    description.put(EVALUATION_RECORDS, Integer.toString(heldOut == null ? 0 : heldOut.size()));
    return description;
  }

  /**
   * Returns this machine's properties for the run's record: results are reproducible for the same
   * ones.
   */
  public static Map<String, String> machine(ComputeOptions options, Device device) {
    Map<String, String> description = new TreeMap<>();
    description.put("threads", Integer.toString(TorchEngine.threads()));
    description.put("compute", options.type().name().toLowerCase(Locale.ROOT));
    description.put("device", device.toString());
    description.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    description.put("java", Runtime.version().toString());
    return description;
  }

  @Override
  public FitResult fit(FitInstruction instruction) throws IOException, InterruptedException {
    long start = System.nanoTime();
    LocalRule.LocalTraining rule = rules.of(instruction.training()).begin(instruction);
    int maxLength = instruction.run().maxLength();
    base.config().requireLength(maxLength);
    ExampleEncoder.Encoded encoded = base.encoder(instruction.run()).encode(data);
    if (encoded.dropped() > 0) {
      log.info(
          "{}: {} of {} records do not fit {} tokens and are dropped",
          id,
          encoded.dropped(),
          data.size(),
          maxLength);
    }
    if (encoded.examples().isEmpty()) {
      throw new IOException(
          id
              + ": none of its "
              + data.size()
              + " records has a response within the maximum length of "
              + maxLength
              + " tokens");
    }
    QloraTrainer.Result result =
        new QloraTrainer(base, listener, options)
            .train(
                encoded.examples(),
                instruction.adapter(),
                instruction.training(),
                instruction.round(),
                instruction.rounds(),
                instruction.seed(),
                rule);
    AdapterDelta delta = result.adapter().minus(instruction.adapter());
    Map<String, Double> metrics = new TreeMap<>();
    metrics.put("loss", result.loss());
    if (encoded.dropped() > 0) {
      metrics.put("dropped", (double) encoded.dropped());
    }
    metrics.put("seconds", (System.nanoTime() - start) / 1e9);
    FitResult plain =
        new FitResult(delta, encoded.examples().size(), encoded.labelTokens(), metrics);
    return rule.end(result.adapter(), plain);
  }

  @Override
  public EvaluateResult evaluate(EvaluateInstruction instruction)
      throws IOException, InterruptedException {
    if (heldOut == null) {
      throw new UnsupportedOperationException(id + " has no data to evaluate on");
    }
    try (Evaluator evaluator = new Evaluator(base, instruction.adapter())) {
      // A client may have one class only, which would always be predicted right.
      TreeSet<String> labels = new TreeSet<>(instruction.run().labels());
      if (labels.isEmpty()) {
        labels.addAll(data.labels());
        labels.addAll(heldOut.labels());
      }
      Evaluator.Evaluation evaluation =
          evaluator.evaluate(
              heldOut, List.copyOf(labels), instruction.run(), (done, records) -> {});
      Map<String, Double> metrics = new TreeMap<>(evaluation.metrics());
      metrics.remove("perplexity"); // it has no mean over clients; the loss has
      return new EvaluateResult(evaluation.records() - evaluation.dropped(), metrics);
    } catch (InterruptedIOException e) {
      InterruptedException stopped = new InterruptedException(e.getMessage());
      stopped.initCause(e);
      throw stopped;
    }
  }
}
