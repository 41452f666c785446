package org.edgefit.client.qlora;

import static org.edgefit.client.model.TorchKernels.call;
import static org.edgefit.client.model.TorchKernels.callAll;
import static org.edgefit.client.model.TorchKernels.update;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.DecodeScratch;
import org.edgefit.client.model.TorchKernels;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * A base model with an adapter, forward and backward. It shares the base model, and has scratch
 * space of its own: one decoder serves one thread at a time.
 */
final class Decoder implements AutoCloseable {

  /**
   * The bytes of one chunk of logits. Small enough to stay in a processor's cache between the
   * product that makes them, the softmax, and the product that uses them.
   */
  private static final int LOGIT_BYTES = 24 << 20;

  private static final Seed NO_SEED = new Seed(0);

  private final BaseModel base;
  private final NDManager manager;
  private final DecodeScratch scratch;
  private final List<DecoderLayer> layers = new ArrayList<>();

  /**
   * Makes a decoder over weights that the caller owns.
   *
   * @param lora the adapter's weights; null for the base model alone
   */
  Decoder(BaseModel base, @Nullable LoraWeights lora) {
    this(base, lora, TorchKernels.newManager());
  }

  private Decoder(BaseModel base, @Nullable LoraWeights lora, NDManager manager) {
    this.base = base;
    this.manager = manager;
    int largest = 1;
    for (LinearSpec spec : base.linearLayers()) {
      largest = Math.max(largest, Math.multiplyExact(spec.inputs(), spec.outputs()));
    }
    this.scratch = new DecodeScratch(manager, largest);
    for (BaseModel.Layer layer : base.layers()) {
      layers.add(new DecoderLayer(base.config(), layer, lora));
    }
  }

  /**
   * Makes a decoder with an adapter's weights of its own, for inference.
   *
   * @param adapter the adapter; null for the base model alone
   * @throws IllegalArgumentException naming the first tensor that does not fit the base model
   */
  static Decoder of(BaseModel base, @Nullable Adapter adapter) {
    NDManager manager = TorchKernels.newManager();
    try {
      LoraWeights lora = adapter == null ? null : new LoraWeights(manager, base, adapter);
      return new Decoder(base, lora, manager);
    } catch (RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  /**
   * One forward pass over a batch, with what its backward pass needs. Close it to free everything.
   */
  final class Pass implements AutoCloseable {
    private final Batch batch;
    private final NDManager step = manager.newSubManager();
    private final Rotary rotary;
    private final @Nullable NDArray mask;
    private final @Nullable KeyValueCache cache;
    private final @Nullable Dropout dropout;
    private final Seed seed;
    private final List<DecoderLayer.Saved> saved = new ArrayList<>();
    private final NDArray out;

    /**
     * Runs the blocks.
     *
     * @param keep whether a backward pass follows
     * @param cache the keys and values of earlier tokens, to which those of the batch are added;
     *     null for none
     * @param dropout masks of the LoRA inputs; null for none
     * @param seed the masks' seed
     */
    private Pass(
        Batch batch,
        boolean keep,
        @Nullable KeyValueCache cache,
        @Nullable Dropout dropout,
        Seed seed) {
      int last = batch.positions()[batch.length() - 1];
      if (last >= base.config().maxPositions()) {
        step.close();
        throw new IllegalArgumentException(
            "tokens: "
                + (last + 1)
                + " (expected: at most "
                + base.config().maxPositions()
                + ", the model's max_position_embeddings)");
      }
      this.batch = batch;
      this.cache = cache;
      this.dropout = dropout != null && dropout.isActive() ? dropout : null;
      this.seed = seed;
      this.rotary = Rotary.of(step, base.config(), batch.positions());
      this.mask = batch.mask(step);
      NDArray x;
      try (NDArray ids = batch.ids(step)) {
        x = call(step, "embedding", base.embeddings(), ids);
      }
      int lowest = keep ? lowestAdapted() : layers.size();
      for (int i = 0; i < layers.size(); i++) {
        DecoderLayer.Forward forward = layers.get(i).forward(context(i), x);
        x = forward.out();
        if (i >= lowest) {
          saved.add(forward.saved());
        } else {
          forward.saved().close();
        }
      }
      this.out = x;
    }

    private DecoderLayer.Context context(int layer) {
      return new DecoderLayer.Context(
          step,
          batch.size(),
          rotary,
          mask,
          cache == null ? null : cache.layer(layer),
          scratch,
          dropout,
          seed.split(layer));
    }

    /** Returns the log-likelihood of each label of the batch, in nats. */
    float[] logLikelihoods() {
      return overLabels(null, 0);
    }

    /**
     * Runs the backward pass of the negative log-likelihood, summed over the batch's labels and
     * multiplied by {@code scale}, and adds to the adapter's gradients.
     *
     * @return the log-likelihood of each label, in nats
     */
    float[] backward(double scale) {
      float[] likelihoods;
      try (NDArray dx = call(step, "zeros", batch.rows(), base.config().hiddenSize())) {
        likelihoods = overLabels(dx, scale);
        int lowest = lowestAdapted();
        for (int i = layers.size() - 1; i >= lowest; i--) {
          DecoderLayer.Saved state = saved.remove(saved.size() - 1);
          layers.get(i).backward(context(i), state, dx, i > lowest);
          state.close();
        }
      }
      return likelihoods;
    }

    /** Goes over the labelled rows in chunks; with {@code dx}, fills it with their gradients. */
    private float[] overLabels(@Nullable NDArray dx, double scale) {
      float[] likelihoods = new float[batch.labelTokens()];
      int chunk = Math.max(16, LOGIT_BYTES / Float.BYTES / base.config().vocabularySize());
      NDArray table = base.head().values(scratch);
      for (int from = 0; from < likelihoods.length; from += chunk) {
        int to = Math.min(likelihoods.length, from + chunk);
        try (NDManager part = step.newSubManager()) {
          NDArray rows = batch.labelRows(part, from, to);
          NDArray labels = batch.labels(part, from, to);
          NDArray x = call(part, "rows", out, rows);
          NDArray[] normed =
              callAll(part, "rms_norm", x, base.finalNorm(), base.config().rmsNormEps());
          NDArray chosen;
          if (dx == null) {
            chosen = call(part, "log_likelihoods", normed[0], table, labels);
          } else {
            NDArray[] loss = callAll(part, "cross_entropy", normed[0], table, labels, scale);
            chosen = loss[0];
            NDArray drows = call(part, "zeros", to - from, base.config().hiddenSize());
            update("rms_norm_backward_", drows, loss[1], x, base.finalNorm(), normed[1]);
            update("put_rows_", dx, rows, drows);
          }
          System.arraycopy(chosen.toFloatArray(), 0, likelihoods, from, to - from);
        }
      }
      return likelihoods;
    }

    /** Returns the logits of rows {@code from} to {@code to}, (rows, vocabulary). */
    NDArray logits(int from, int to) {
      try (NDManager part = step.newSubManager()) {
        NDArray x = call(part, "slice_rows", out, from, to - from);
        NDArray[] normed =
            callAll(part, "rms_norm", x, base.finalNorm(), base.config().rmsNormEps());
        return call(step, "linear", normed[0], base.head().values(scratch));
      }
    }

    /** Returns the likeliest token after the last row. */
    int likeliest() {
      try (NDArray logits = logits(batch.rows() - 1, batch.rows());
          NDArray best = call(step, "argmax", logits)) {
        return Math.toIntExact(best.toLongArray()[0]);
      }
    }

    @Override
    public void close() {
      step.close();
    }
  }

  /** Runs a batch whose gradients are wanted. */
  Pass train(Batch batch, @Nullable Dropout dropout, Seed seed) {
    return new Pass(batch, true, null, dropout, seed);
  }

  /** Runs a batch without dropout. */
  Pass infer(Batch batch) {
    return new Pass(batch, false, null, null, NO_SEED);
  }

  /** Runs the next tokens of a text. */
  Pass infer(Batch batch, KeyValueCache cache) {
    return new Pass(batch, false, cache, null, NO_SEED);
  }

  private int lowestAdapted() {
    for (int i = 0; i < layers.size(); i++) {
      if (layers.get(i).isAdapted()) {
        return i;
      }
    }
    return layers.size();
  }

  @Override
  public void close() {
    manager.close();
  }
}
