package org.edgefit.client.model;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.Quantization;
import org.edgefit.client.RunSettings;
import org.edgefit.client.engine.TorchEngine;
import org.edgefit.data.ExampleEncoder;
import org.edgefit.format.model.BaseWeights;
import org.edgefit.format.model.ModelConfig;
import org.edgefit.random.Seed;
import org.jspecify.annotations.Nullable;

/**
 * A frozen decoder-only model. It is immutable once loaded, so any number of adapters can be
 * trained over it at once, on as many threads.
 */
public final class BaseModel implements AutoCloseable {

  /**
   * One decoder block.
   *
   * @param inputNorm the norm before the attention, (hidden)
   * @param attentionIn the query, key and value projections
   * @param attentionOut the attention output projection
   * @param mlpNorm the norm before the MLP, (hidden)
   * @param mlpIn the gate and up projections
   * @param mlpOut the down projection
   */
  public record Layer(
      NDArray inputNorm,
      LinearStack attentionIn,
      LinearStack attentionOut,
      NDArray mlpNorm,
      LinearStack mlpIn,
      LinearStack mlpOut) {

    /** Returns the linear layers in the order of the forward pass. */
    public List<LinearStack> stacks() {
      return List.of(attentionIn, attentionOut, mlpIn, mlpOut);
    }
  }

  private final @Nullable Path directory;
  private final ModelConfig config;
  private final Quantization quantization;
  private final NDManager manager;
  private final DenseMatrix embeddings;
  private final List<Layer> layers;
  private final NDArray finalNorm;
  private final FrozenMatrix head;
  private final Map<TextSettings, ExampleEncoder> encoders = new HashMap<>(); // guarded by this
  private @Nullable ModelTokenizer tokenizer;

  BaseModel(
      @Nullable Path directory,
      ModelConfig config,
      Quantization quantization,
      NDManager manager,
      DenseMatrix embeddings,
      List<Layer> layers,
      NDArray finalNorm,
      FrozenMatrix head) {
    this.directory = directory;
    this.config = config;
    this.quantization = quantization;
    this.manager = manager;
    this.embeddings = embeddings;
    this.layers = List.copyOf(layers);
    this.finalNorm = finalNorm;
    this.head = head;
  }

  /**
   * Loads a model for the CPU; see {@link #load(Path, Quantization, Device)}.
   *
   * @throws IOException naming the file, key or tensor that is missing, bad or not supported
   */
  public static BaseModel load(Path directory, Quantization quantization) throws IOException {
    return load(directory, quantization, Device.cpu());
  }

  /**
   * Loads a Hugging Face model directory: {@code config.json} and single or sharded safetensors, in
   * float32, float16 or bfloat16, or quantised to NF4 by bitsandbytes; or a GGUF file of llama.cpp,
   * whose values are decoded first.
   *
   * @param quantization how to store the blocks' linear layers; layers quantised in the file stay
   *     as they are; embeddings and head are float32, or above 256 MiB the file's dtype
   * @param device the device of the weights and of computation
   * @throws IOException naming the file, key or tensor that is missing, bad or not supported
   * @throws IllegalArgumentException if there is no such device
   */
  public static BaseModel load(Path directory, Quantization quantization, Device device)
      throws IOException {
    ModelConfig config = ModelConfig.read(directory);
    NDManager manager = TorchEngine.newManager(device);
    try (BaseWeights files = BaseWeights.open(directory)) {
      return new BaseModelLoader(directory, config, files, manager, quantization).load();
    } catch (IOException | RuntimeException e) {
      manager.close();
      throw e;
    } catch (OutOfMemoryError e) {
      manager.close();
      if (!String.valueOf(e.getMessage()).contains("direct buffer")) {
        throw e;
      }
      throw new IllegalStateException(
          directory
              + ": "
              + e.getMessage()
              + " (expected: a larger -XX:MaxDirectMemorySize, as arrays are off-heap; the JVM's"
              + " default is the maximum heap size)",
          e);
    }
  }

  /**
   * Returns a model with random weights in NF4 with double quantisation, made without a checkpoint:
   * for measuring time and memory. It has no tokenizer.
   *
   * @param device where the weights lie
   */
  public static BaseModel random(ModelConfig config, Seed seed, Device device) {
    return random(config, seed, device, null);
  }

  /**
   * Returns a model with random weights and another model's tokenizer, for dry runs on records.
   *
   * @param device where the weights lie
   * @param tokenizer the directory of a model with no more tokens; null for none
   */
  public static BaseModel random(
      ModelConfig config, Seed seed, Device device, @Nullable Path tokenizer) {
    NDManager manager = TorchEngine.newManager(device);
    return new RandomModel(config, manager, seed.generator(), tokenizer).make();
  }

  /** Returns the device of the weights and of computation. */
  public Device device() {
    return manager.getDevice();
  }

  /** Returns a new manager for arrays on the model's device. */
  public NDManager newManager() {
    return TorchEngine.newManager(device());
  }

  /** Returns the model's shape. */
  public ModelConfig config() {
    return config;
  }

  /**
   * Returns the model's tokenizer, which is loaded at the first call.
   *
   * @throws IOException if the directory's {@code tokenizer.json} is missing or broken
   */
  public synchronized ModelTokenizer tokenizer() throws IOException {
    if (tokenizer == null) {
      if (directory == null) {
        throw new IOException("tokenizer: none (expected: a loaded model)");
      }
      tokenizer = ModelTokenizer.load(directory, config.vocabularySize());
    }
    return tokenizer;
  }

  /**
   * Returns the encoder of records for a run's settings.
   *
   * @throws IOException if the tokenizer is missing or broken
   */
  public synchronized ExampleEncoder encoder(RunSettings settings) throws IOException {
    TextSettings text =
        new TextSettings(settings.template(), settings.maxLength(), settings.responseOnly());
    ExampleEncoder encoder = encoders.get(text);
    if (encoder == null) {
      encoder =
          new ExampleEncoder(
              tokenizer(),
              tokenizer().template(settings.template()),
              settings.maxLength(),
              settings.responseOnly());
      encoders.put(text, encoder);
    }
    return encoder;
  }

  /** What of a run's settings decides a record's tokens. */
  private record TextSettings(String template, int maxLength, boolean responseOnly) {}

  /** Returns the token embeddings, (vocabulary, hidden), float32 or the checkpoint's 16 bits. */
  public NDArray embeddings() {
    return embeddings.array();
  }

  /** Returns how full-precision linear layers are stored. */
  public Quantization quantization() {
    return quantization;
  }

  /** Returns the decoder blocks, first to last. */
  public List<Layer> layers() {
    return layers;
  }

  /** Returns the norm after the last block, (hidden). */
  public NDArray finalNorm() {
    return finalNorm;
  }

  /** Returns the output head, (vocabulary, hidden). */
  public FrozenMatrix head() {
    return head;
  }

  /** Returns every linear layer that an adapter can target. */
  public List<LinearSpec> linearLayers() {
    return config.linearLayers();
  }

  /** Returns the bytes of the blocks' weights in memory. */
  public long blockBytes() {
    long bytes = finalNorm.size() * Float.BYTES;
    for (Layer layer : layers) {
      bytes += (layer.inputNorm().size() + layer.mlpNorm().size()) * Float.BYTES;
      for (LinearStack stack : layer.stacks()) {
        bytes += stack.bytes();
      }
    }
    return bytes;
  }

  /** Returns the bytes of the embeddings and of the head, if it is not the same matrix. */
  public long embeddingBytes() {
    return embeddings.bytes() + (head == embeddings ? 0 : head.bytes());
  }

  /** Returns the bytes of all weights in memory. */
  public long bytes() {
    return blockBytes() + embeddingBytes();
  }

  /** Frees the weights. */
  @Override
  public synchronized void close() {
    manager.close();
    if (tokenizer != null) {
      tokenizer.close();
    }
  }
}
