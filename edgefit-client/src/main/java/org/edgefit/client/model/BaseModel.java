package org.edgefit.client.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.client.Quantization;
import org.edgefit.format.ModelConfig;
import org.edgefit.format.ModelFiles;
import org.edgefit.format.SafetensorsFile;
import org.edgefit.format.StoredTensor;
import org.jspecify.annotations.Nullable;

/**
 * A frozen decoder-only model. It is never changed after it is loaded, so any number of adapters
 * can be trained over it at once, by as many threads.
 */
public final class BaseModel implements AutoCloseable {

  /** A linear layer with its full module name. */
  public record Linear(String name, FrozenMatrix weight) {}

  /**
   * One decoder block.
   *
   * @param inputNorm the norm before the attention, (hidden)
   * @param attentionIn the layers from the normed input: query, key, value
   * @param attentionOut the layer from the attention's result
   * @param mlpNorm the norm before the MLP, (hidden)
   * @param mlpIn the layers from the normed input: gate, up
   * @param mlpOut the layer from their product
   */
  public record Layer(
      NDArray inputNorm,
      List<Linear> attentionIn,
      List<Linear> attentionOut,
      NDArray mlpNorm,
      List<Linear> mlpIn,
      List<Linear> mlpOut) {}

  private final Path directory;
  private final ModelConfig config;
  private final NDManager manager;
  private final NDArray embeddings;
  private final List<Layer> layers;
  private final NDArray finalNorm;
  private final FrozenMatrix head;
  private @Nullable ModelTokenizer tokenizer;

  private BaseModel(
      Path directory,
      ModelConfig config,
      NDManager manager,
      NDArray embeddings,
      List<Layer> layers,
      NDArray finalNorm,
      FrozenMatrix head) {
    this.directory = directory;
    this.config = config;
    this.manager = manager;
    this.embeddings = embeddings;
    this.layers = List.copyOf(layers);
    this.finalNorm = finalNorm;
    this.head = head;
  }

  /**
   * Loads a Hugging Face model directory: {@code config.json} and single or sharded safetensors, in
   * float32, float16 or bfloat16, or quantised to NF4 by bitsandbytes.
   *
   * @param quantization how to keep the linear layers of the blocks; those that are quantised in
   *     the file stay as they are, and embeddings, norms and head are float32 in any case
   * @throws IOException naming the file, key or tensor that is missing, bad or not supported
   */
  public static BaseModel load(Path directory, Quantization quantization) throws IOException {
    ModelConfig config = ModelConfig.read(directory);
    NDManager manager = TorchKernels.newManager();
    try (ModelFiles files = ModelFiles.open(directory)) {
      return new Loader(directory, config, files, manager, quantization).load();
    } catch (IOException | RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  /** Returns the model's shape. */
  public ModelConfig config() {
    return config;
  }

  /** Returns the directory that the model was loaded from. */
  public Path directory() {
    return directory;
  }

  /**
   * Returns the model's tokenizer, which is loaded at the first call.
   *
   * @throws IOException if the directory's {@code tokenizer.json} is missing or broken
   */
  public synchronized ModelTokenizer tokenizer() throws IOException {
    if (tokenizer == null) {
      tokenizer = ModelTokenizer.load(directory);
    }
    return tokenizer;
  }

  /** Returns the token embeddings, (vocabulary, hidden). */
  public NDArray embeddings() {
    return embeddings;
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

  /** Returns the bytes of all weights as they are kept. */
  public long bytes() {
    long bytes = embeddings.size() * Float.BYTES + finalNorm.size() * Float.BYTES;
    if (!config.tiedEmbeddings()) {
      bytes += head.bytes();
    }
    for (Layer layer : layers) {
      bytes += (layer.inputNorm().size() + layer.mlpNorm().size()) * Float.BYTES;
      for (List<Linear> group :
          List.of(layer.attentionIn(), layer.attentionOut(), layer.mlpIn(), layer.mlpOut())) {
        for (Linear linear : group) {
          bytes += linear.weight().bytes();
        }
      }
    }
    return bytes;
  }

  /** Frees the weights. */
  @Override
  public synchronized void close() {
    manager.close();
    if (tokenizer != null) {
      tokenizer.close();
    }
  }

  /** One loading of one directory. */
  private static final class Loader {
    private final Path directory;
    private final ModelConfig config;
    private final ModelFiles files;
    private final NDManager manager;
    private final Quantization quantization;
    private final Set<String> unread;
    private FloatBuffer scratch = FloatBuffer.allocate(0);

    Loader(
        Path directory,
        ModelConfig config,
        ModelFiles files,
        NDManager manager,
        Quantization quantization) {
      this.directory = directory;
      this.config = config;
      this.files = files;
      this.manager = manager;
      this.quantization = quantization;
      this.unread = new TreeSet<>(files.names());
    }

    BaseModel load() throws IOException {
      NDArray embeddings =
          dense("model.embed_tokens.weight", config.vocabularySize(), config.hiddenSize());
      List<LinearSpec> specs = config.linearLayers();
      List<Layer> layers = new ArrayList<>();
      int perLayer = specs.size() / config.layers();
      for (int i = 0; i < config.layers(); i++) {
        String prefix = "model.layers." + i + ".";
        List<Linear> linear = new ArrayList<>();
        for (LinearSpec spec : specs.subList(i * perLayer, (i + 1) * perLayer)) {
          linear.add(new Linear(spec.name(), matrix(spec)));
        }
        layers.add(
            new Layer(
                dense(prefix + "input_layernorm.weight", config.hiddenSize()),
                List.copyOf(linear.subList(0, 3)),
                List.copyOf(linear.subList(3, 4)),
                dense(prefix + "post_attention_layernorm.weight", config.hiddenSize()),
                List.copyOf(linear.subList(4, 6)),
                List.copyOf(linear.subList(6, 7))));
      }
      NDArray finalNorm = dense("model.norm.weight", config.hiddenSize());
      FrozenMatrix head;
      if (config.tiedEmbeddings()) {
        head = new DenseMatrix(embeddings);
        unread.remove("lm_head.weight");
      } else {
        head =
            new DenseMatrix(dense("lm_head.weight", config.vocabularySize(), config.hiddenSize()));
      }
      unread.removeIf(name -> name.endsWith(".rotary_emb.inv_freq")); // follows from the config
      if (!unread.isEmpty()) {
        throw new IOException(
            directory
                + ": "
                + unread.iterator().next()
                + ": not a tensor of a "
                + config.modelType()
                + " model, or not supported");
      }
      return new BaseModel(directory, config, manager, embeddings, layers, finalNorm, head);
    }

    private FrozenMatrix matrix(LinearSpec spec) throws IOException {
      String name = spec.name() + ".weight";
      if (BitsAndBytes.isQuantized(files, name)) {
        return BitsAndBytes.read(files, name, spec, unread);
      }
      if (quantization == Quantization.NONE) {
        return new DenseMatrix(dense(name, spec.outputs(), spec.inputs()));
      }
      int elements = Math.multiplyExact(spec.outputs(), spec.inputs());
      if (scratch.capacity() < elements) {
        scratch = FloatBuffer.allocate(elements);
      }
      FloatBuffer values = scratch.slice(0, elements);
      readFloats(name, values, spec.outputs(), spec.inputs());
      return Nf4Quantizer.quantize(
          values.rewind(), spec.outputs(), spec.inputs(), quantization == Quantization.NF4);
    }

    private NDArray dense(String name, int... shape) throws IOException {
      long[] dimensions = new long[shape.length];
      for (int i = 0; i < shape.length; i++) {
        dimensions[i] = shape[i];
      }
      Shape arrayShape = new Shape(dimensions);
      ByteBuffer memory =
          ByteBuffer.allocateDirect(Math.toIntExact(arrayShape.size() * Float.BYTES))
              .order(ByteOrder.nativeOrder());
      readFloats(name, memory.asFloatBuffer(), shape);
      return manager.create(memory, arrayShape, DataType.FLOAT32);
    }

    /** Reads a tensor of the expected shape, widened to float32. */
    private void readFloats(String name, FloatBuffer out, int... shape) throws IOException {
      SafetensorsFile file = files.file(name);
      StoredTensor tensor = file.tensor(name);
      List<Long> expected = new ArrayList<>();
      for (int dimension : shape) {
        expected.add((long) dimension);
      }
      if (!tensor.shape().equals(expected)) {
        throw new IOException(
            file.path()
                + ": "
                + name
                + ": shape "
                + tensor.shape()
                + " (expected: "
                + expected
                + ", from config.json)");
      }
      file.copyFloats(name, out);
      unread.remove(name);
    }
  }
}
