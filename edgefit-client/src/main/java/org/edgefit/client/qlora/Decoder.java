package org.edgefit.client.qlora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.client.engine.ComputeType;
import org.edgefit.client.engine.Kernels;
import org.edgefit.client.model.BaseModel;
import org.edgefit.client.model.FrozenMatrix;
import org.edgefit.client.model.Scratch;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * A base model with an adapter, forward and backward. It shares the base model, and has scratch
 * space of its own: one decoder serves one thread at a time.
 */
final class Decoder implements AutoCloseable {

  /*
   * x = E[ids] (T, H); blocks; logits = norm(x) W_head' (L, V) of the L rows that a label follows.
   * The loss is scale * sum(-log softmax(logits)[label]), scale being 1 / L over the whole step's
   * labels, and its gradient scale * (softmax(logits) - onehot(label)).
   *
   * Logits are the largest array of a small model (V = 49,152: 25 MB for 128 rows in float32), so
   * the labelled rows go through head, loss and the head's backward product in chunks. The blocks
   * then run backward from the last to the first that is adapted. As many of the last blocks as the
   * memory plan allows keep what they need; the others run forward once more from their inputs
   * (activation checkpointing, Chen et al. 2016), with the same dropout masks and LoRA hidden values.
   */

  /**
   * The bytes of one chunk of logits. Small enough to stay in a processor's cache between the
   * product that makes them, the softmax, and the product that uses them.
   */
  private static final int LOGIT_BYTES = 24 << 20;

  private static final Seed NO_SEED = new Seed(0);

  private final BaseModel base;
  private final NDManager manager;
  private final Scratch scratch;
  private final FrozenMatrix head;
  private final List<DecoderLayer> layers = new ArrayList<>();
  private final MemoryPlan plan;

  /**
   * Makes a decoder over weights that the caller owns.
   *
   * @param lora the adapter's weights; null for the base model alone
   * @param plan which layers keep what their backward pass needs
   */
  Decoder(BaseModel base, @Nullable LoraWeights lora, MemoryPlan plan) {
    this(base, lora, plan, base.newManager());
  }

  private Decoder(BaseModel base, @Nullable LoraWeights lora, MemoryPlan plan, NDManager manager) {
    this.base = base;
    this.plan = plan;
    this.manager = manager;
    ComputeType type = lora == null ? ComputeType.FLOAT32 : lora.type();
    this.scratch = new Scratch(manager, type);
    this.head = base.head().as(manager, type);
    for (int i = 0; i < base.layers().size(); i++) {
      layers.add(new DecoderLayer(base.config(), i, base.layers().get(i), lora));
    }
  }

  /**
   * Makes a decoder with an adapter's weights of its own, for inference in float32.
   *
   * @param adapter the adapter; null for the base model alone
   * @throws IllegalArgumentException naming the first tensor that does not fit the base model
   */
  static Decoder of(BaseModel base, @Nullable Adapter adapter) {
    NDManager manager = base.newManager();
    try {
      LoraWeights lora = adapter == null ? null : new LoraWeights(manager, base, adapter);
      return new Decoder(base, lora, MemoryPlan.unlimited(base.config()), manager);
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
    private final AttentionMasks masks;
    private final @Nullable List<KeyValueCache> caches;
    private final @Nullable Dropout dropout;
    private final Seed seed;
    private final int lowest;
    private final List<NDArray> inputs = new ArrayList<>(); // of the layers from the lowest on
    private final List<DecoderLayer.@Nullable Saved> saved = new ArrayList<>();
    private final List<@Nullable NDArray[]> loraHidden = new ArrayList<>(); // of those not saved
    private final NDArray out;

    /**
     * Runs the blocks.
     *
     * @param keep whether a backward pass follows
     * @param caches for each text the keys and values of earlier tokens, to which those of the
     *     batch are added; null for none
     * @param dropout masks of the LoRA inputs; null for none
     * @param seed the masks' seed
     */
    private Pass(
        Batch batch,
        boolean keep,
        @Nullable List<KeyValueCache> caches,
        @Nullable Dropout dropout,
        Seed seed) {
      if (batch.longest() > base.config().maxPositions()) {
        step.close();
        throw new IllegalArgumentException(
            "tokens: "
                + batch.longest()
                + " (expected: at most "
                + base.config().maxPositions()
                + ", the model's max_position_embeddings)");
      }
      this.batch = batch;
      this.caches = caches;
      this.dropout = dropout != null && dropout.isActive() ? dropout : null;
      this.seed = seed;
      this.lowest = keep ? lowestAdapted() : layers.size();
      this.rotary = Rotary.of(step, base.config().rope(), batch.positions(), batch.longest());
      this.masks = new AttentionMasks(step, batch);
      NDArray x;
      try (NDArray ids = batch.ids(step)) {
        x = Kernels.embedding(step, base.embeddings(), ids);
      }
      int firstKept = layers.size() - plan.layersKept(batch.rows(), layers.size() - lowest);
      for (int i = 0; i < layers.size(); i++) {
        DecoderLayer.Context context = context(i);
        DecoderLayer.Saved state = layers.get(i).run(context, x, DecoderLayer.noLoraHidden());
        NDArray next = layers.get(i).output(context, state);
        if (i >= lowest) {
          inputs.add(x);
          saved.add(i >= firstKept ? state : null);
        } else {
          x.close();
        }
        if (i < lowest) {
          state.close();
        } else if (i < firstKept) {
          loraHidden.add(state.closeToLoraHidden());
        }
        x = next;
      }
      if (caches != null) {
        for (int i = 0; i < caches.size(); i++) {
          caches.get(i).advance(batch.segments().get(i).rows());
        }
      }
      this.out = x;
    }

    private DecoderLayer.Context context(int layer) {
      return new DecoderLayer.Context(
          step,
          batch,
          rotary,
          masks,
          caches == null ? null : caches.stream().map(cache -> cache.layer(layer)).toList(),
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
      try (NDArray dx = Kernels.zeros(step, out, batch.rows(), base.config().hiddenSize())) {
        likelihoods = overLabels(dx, scale);
        for (int i = layers.size() - 1; i >= lowest; i--) {
          DecoderLayer.Context context = context(i);
          try (NDArray x = inputs.remove(inputs.size() - 1)) {
            DecoderLayer.Saved kept = saved.remove(saved.size() - 1);
            try (DecoderLayer.Saved state =
                kept != null
                    ? kept
                    : layers.get(i).run(context, x, loraHidden.remove(loraHidden.size() - 1))) {
              layers.get(i).backward(context, x, state, dx, i > lowest);
            }
          }
        }
      }
      return likelihoods;
    }

    /** Goes over the labelled rows in chunks; with {@code dx}, fills it with their gradients. */
    private float[] overLabels(@Nullable NDArray dx, double scale) {
      float[] likelihoods = new float[batch.labelTokens()];
      int chunk = rowsOfLogits(base.config());
      for (int from = 0; from < likelihoods.length; from += chunk) {
        int to = Math.min(likelihoods.length, from + chunk);
        try (NDManager part = step.newSubManager()) {
          NDArray rows = batch.labelRows(part, from, to);
          NDArray labels = batch.labels(part, from, to);
          NDArray x = Kernels.rows(part, out, rows);
          Kernels.Normed normed = finalNorm(part, x);
          NDArray logits = logitsOf(part, normed.output());
          NDArray chosen;
          if (dx == null) {
            chosen = Kernels.logLikelihoods(part, logits, labels);
          } else {
            chosen = Kernels.crossEntropy(part, logits, labels, scale);
            NDArray dlogits = Kernels.toType(part, logits, scratch.type());
            NDArray dnormed = FrozenProduct.backward(part, dlogits, List.of(head), scratch);
            NDArray drows = Kernels.zeros(part, x, to - from, base.config().hiddenSize());
            Kernels.rmsNormBackward(drows, dnormed, x, base.finalNorm(), normed.scale());
            Kernels.putRows(dx, rows, drows);
          }
          System.arraycopy(chosen.toFloatArray(), 0, likelihoods, from, to - from);
        }
      }
      return likelihoods;
    }

    private Kernels.Normed finalNorm(NDManager part, NDArray x) {
      return Kernels.rmsNorm(part, x, base.finalNorm(), base.config().rmsNormEps(), scratch.type());
    }

    /** Returns the logits of rows that the final norm has gone over, in float32. */
    private NDArray logitsOf(NDManager owner, NDArray normed) {
      try (NDArray logits = FrozenProduct.forward(owner, normed, List.of(head), scratch)) {
        return Kernels.toType(owner, logits, ComputeType.FLOAT32);
      }
    }

    /** Returns the logits of rows {@code from} to {@code to}, (rows, vocabulary). */
    NDArray logits(int from, int to) {
      try (NDManager part = step.newSubManager()) {
        return logitsOf(
            step, finalNorm(part, Kernels.sliceRows(part, out, from, to - from)).output());
      }
    }

    /** Returns the logits after the last token of each text, (texts, vocabulary). */
    NDArray nextLogits() {
      try (NDManager part = step.newSubManager()) {
        return logitsOf(
            step, finalNorm(part, Kernels.rows(part, out, batch.lastRows(part))).output());
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

  /** Runs the next tokens of texts. */
  Pass infer(Batch batch, List<KeyValueCache> caches) {
    return new Pass(batch, false, caches, null, NO_SEED);
  }

  /** Returns how many rows' logits are held at once. */
  static int rowsOfLogits(ModelConfig config) {
    return Math.max(16, LOGIT_BYTES / Float.BYTES / config.vocabularySize());
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
