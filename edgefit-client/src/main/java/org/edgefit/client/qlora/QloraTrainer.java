package org.edgefit.client.qlora;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.LocalRule;
import org.edgefit.client.Training;
import org.edgefit.client.engine.ComputeProbe;
import org.edgefit.client.engine.NativeMemory;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.Example;
import org.edgefit.random.Seed;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains an adapter over a frozen base model (QLoRA, Dettmers et al. 2023). Each training has its
 * own weights, optimizer and random streams, so several can share a base model concurrently.
 */
public final class QloraTrainer {

  private static final Logger LOG = LoggerFactory.getLogger(QloraTrainer.class);

  /** Whether it was said that the memory is too little. */
  private static final AtomicBoolean TOO_LITTLE = new AtomicBoolean();

  /** How many batches of padded texts are sorted by length together. */
  private static final int BATCHES_PER_WINDOW = 16;

  private final BaseModel base;
  private final StepListener listener;
  private final ComputeOptions options;

  /** Makes a trainer that computes in float32 and keeps all activations. */
  public QloraTrainer(BaseModel base, StepListener listener) {
    this(base, listener, ComputeOptions.defaults());
  }

  /**
   * Makes a trainer.
   *
   * @throws IllegalArgumentException if the base model's device has no products in the options'
   *     type
   */
  public QloraTrainer(BaseModel base, StepListener listener, ComputeOptions options) {
    ComputeProbe.require(options.type(), base.device());
    this.base = base;
    this.listener = listener;
    this.options = options;
  }

  /**
   * The result of a training.
   *
   * @param adapter the trained adapter
   * @param loss the mean loss of the last epoch's label tokens, in nats
   * @param steps the optimizer steps
   */
  public record Result(Adapter adapter, double loss, int steps) {}

  /**
   * Trains on examples. A step's gradient is that of the mean loss over all label tokens of the
   * step, across its forward passes. The optimizer state starts at zero.
   *
   * @param examples at least one
   * @param start the adapter to start from
   * @param round the round, from 1, for a schedule that spans the run
   * @param rounds the rounds of the run
   * @param seed the order of the examples and the dropout
   * @throws InterruptedException if the thread is interrupted between steps
   * @throws IllegalStateException if the loss or its gradient is no longer finite
   */
  public Result train(
      List<Example> examples, Adapter start, Training training, int round, int rounds, Seed seed)
      throws InterruptedException {
    return train(examples, start, training, round, rounds, seed, (t, weights, gradient) -> {});
  }

  /**
   * Trains on examples under a local rule, which sees each step's gradient before it is clipped;
   * otherwise as the other method of this name.
   *
   * @param rule the local training of the rule
   */
  public Result train(
      List<Example> examples,
      Adapter start,
      Training training,
      int round,
      int rounds,
      Seed seed,
      LocalRule.LocalTraining rule)
      throws InterruptedException {
    if (examples.isEmpty()) {
      throw new IllegalArgumentException("examples: none (expected: at least one)");
    }
    MemoryPlan plan = plan(start, examples, training);
    NativeMemory.giveBackArrays(base.config().hiddenSize() < 2048 ? 32 << 20 : 8 << 20);
    try (NDManager manager = base.newManager();
        LoraWeights lora = new LoraWeights(manager, base, start, options.type());
        Decoder decoder = new Decoder(base, lora, plan);
        Dropout dropout = new Dropout(manager, start.config().dropout(), options.type())) {
      AdamW optimizer =
          new AdamW(
              lora.weights().capacity(),
              training.beta1(),
              training.beta2(),
              training.epsilon(),
              training.weightDecay());
      int perStep = training.batchSize() * training.accumulation();
      int stepsPerEpoch = (examples.size() + perStep - 1) / perStep;
      int steps = stepsPerEpoch * training.epochs();
      int step = 0;
      double epochLoss = 0;
      for (int epoch = 0; epoch < training.epochs(); epoch++) {
        List<Example> shuffled = shuffled(examples, training, seed.split("order").split(epoch));
        double lossSum = 0;
        long tokens = 0;
        for (int from = 0; from < shuffled.size(); from += perStep) {
          if (Thread.interrupted()) {
            throw new InterruptedException("training was stopped after step " + step);
          }
          List<Example> chosen = shuffled.subList(from, Math.min(shuffled.size(), from + perStep));
          long stepTokens = chosen.stream().mapToLong(Example::labelTokens).sum();
          double loss =
              accumulate(
                  decoder, lora, dropout, chosen, training, seed.split("dropout").split(step));
          FloatBuffer gradients = lora.gradients();
          for (int t = 0; t < start.layout().tensors().size(); t++) {
            rule.correct(t, lora.weightsOf(t), lora.gradientsOf(t));
          }
          double norm = AdamW.norm(gradients);
          if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
            throw new IllegalStateException(
                "training diverged in step "
                    + (step + 1)
                    + ": loss "
                    + loss / stepTokens
                    + ", gradient norm "
                    + norm
                    + " (expected: finite numbers; a smaller learning rate may help)");
          }
          optimizer.step(
              lora.weights(),
              gradients,
              AdamW.clipFactor(norm, training.clipNorm()),
              learningRate(training, step, steps, round, rounds));
          lora.refresh();
          step++;
          lossSum += loss;
          tokens += stepTokens;
          listener.stepDone(step, steps, loss / stepTokens);
        }
        epochLoss = lossSum / tokens;
      }
      return new Result(lora.toAdapter(), epochLoss, steps);
    } finally {
      NativeMemory.trim();
      TorchEngine.trim(base.device());
    }
  }

  /**
   * Returns the examples in the order of an epoch. Where batches are padded, windows of several
   * batches are sorted by length, and their batches shuffled.
   */
  private static List<Example> shuffled(List<Example> examples, Training training, Seed seed) {
    List<Example> shuffled = new ArrayList<>(examples);
    Random random = new Random(seed.value());
    Collections.shuffle(shuffled, random);
    if (training.packed()) {
      return shuffled;
    }
    int batch = training.batchSize();
    List<Example> grouped = new ArrayList<>();
    for (int from = 0; from < shuffled.size(); from += BATCHES_PER_WINDOW * batch) {
      int to = Math.min(shuffled.size(), from + BATCHES_PER_WINDOW * batch);
      List<Example> window = new ArrayList<>(shuffled.subList(from, to));
      window.sort(Comparator.comparingInt(Example::length));
      List<List<Example>> batches = new ArrayList<>();
      for (int i = 0; i < window.size(); i += batch) {
        batches.add(window.subList(i, Math.min(window.size(), i + batch)));
      }
      // The last may be short, and must stay the last of all.
      Collections.shuffle(batches.subList(0, window.size() / batch), random);
      batches.forEach(grouped::addAll);
    }
    return grouped;
  }

  /** Sums the gradients of a step's forward passes, and returns the sum of its losses. */
  private static double accumulate(
      Decoder decoder,
      LoraWeights lora,
      Dropout dropout,
      List<Example> examples,
      Training training,
      Seed seed) {
    lora.clearGradients();
    long tokens = examples.stream().mapToLong(Example::labelTokens).sum();
    double loss = 0;
    for (int from = 0; from < examples.size(); from += training.batchSize()) {
      int to = Math.min(examples.size(), from + training.batchSize());
      List<Example> chosen = examples.subList(from, to);
      Batch batch = training.packed() ? Batch.packed(chosen) : Batch.padded(chosen);
      try (Decoder.Pass pass = decoder.train(batch, dropout, seed.split(from))) {
        for (float likelihood : pass.backward(1.0 / tokens)) {
          loss -= likelihood;
        }
      }
    }
    return loss;
  }

  private MemoryPlan plan(Adapter adapter, List<Example> examples, Training training) {
    MemoryPlan plan =
        MemoryPlan.of(base.config(), base.quantization(), adapter.config(), options.type())
            .on(base.device());
    int[] lengths = examples.stream().mapToInt(Batch::inputs).sorted().toArray();
    int texts = Math.min(lengths.length, training.batchSize());
    long rows = (long) lengths[lengths.length - 1] * texts;
    if (training.packed()) {
      rows = Arrays.stream(lengths, lengths.length - texts, lengths.length).asLongStream().sum();
    }
    if (options.memoryBytes() > 0) {
      return plan.within(options.memoryBytes(), Math.toIntExact(rows));
    }
    long planned = MemoryPlan.total(plan.components(Math.toIntExact(rows)));
    long limit = NativeMemory.limit();
    if (planned > limit && base.device().equals(Device.cpu()) && !TOO_LITTLE.getAndSet(true)) {
      LOG.warn(
          "training needs about {} MB, and this machine or container has {} MB: --memory {}M"
              + " (ComputeOptions.memoryBytes) enables activation checkpointing",
          planned / 1_000_000,
          limit / 1_000_000,
          (limit >> 20) * 9 / 10);
    }
    return plan;
  }

  private static double learningRate(
      Training training, int step, int steps, int round, int rounds) {
    long at = step;
    long span = steps;
    if (training.scheduleOverRun()) {
      at += (long) (round - 1) * steps;
      span *= rounds;
    }
    long warmup = (long) Math.ceil(training.warmupRatio() * span);
    return training.learningRate() * training.schedule().factor(at, span, warmup);
  }
}
