package org.edgefit.format.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.edgefit.file.Json;
import org.edgefit.file.Sha256;
import org.edgefit.format.safetensors.SafetensorsFile;
import org.edgefit.format.safetensors.StoredTensor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The weights of a Hugging Face model directory, whether they lie in one {@code model.safetensors}
 * or in shards named by {@code model.safetensors.index.json}.
 */
public final class ModelFiles implements BaseWeights {

  private static final Logger log = LoggerFactory.getLogger(ModelFiles.class);

  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final Path directory;
  private final List<SafetensorsFile> files;
  private final TreeMap<String, SafetensorsFile> byTensor = new TreeMap<>();

  private ModelFiles(Path directory, List<SafetensorsFile> files) throws IOException {
    this.directory = directory;
    this.files = files;
    for (SafetensorsFile file : files) {
      for (StoredTensor tensor : file.tensors()) {
        SafetensorsFile other = byTensor.put(tensor.name(), file);
        if (other != null) {
          throw new IOException(
              file.path() + ": " + tensor.name() + ": also in " + other.path().getFileName());
        }
      }
    }
  }

  /** Returns whether a directory holds weights, or the config alone. */
  public static boolean exist(Path directory) {
    return Files.exists(directory.resolve(SINGLE)) || Files.exists(directory.resolve(INDEX));
  }

  /**
   * Opens the files of a model directory.
   *
   * @throws IOException if there are none, one is broken, or a shard lacks a tensor of the index
   */
  public static ModelFiles open(Path directory) throws IOException {
    if (GgufModel.isGguf(directory)) {
      throw new IOException(directory + ": a GGUF file (expected: a Hugging Face directory)");
    }
    Map<String, String> index = new TreeMap<>();
    TreeSet<String> names = new TreeSet<>();
    Path indexFile = directory.resolve(INDEX);
    if (Files.exists(directory.resolve(SINGLE))) {
      names.add(SINGLE);
      if (Files.exists(indexFile)) {
        log.warn("{}: {} and {}: using the first, as transformers does", directory, SINGLE, INDEX);
      }
    } else if (Files.exists(indexFile)) {
      JsonNode map = Json.read(indexFile).path("weight_map");
      if (!map.isObject() || map.isEmpty()) {
        throw new IOException(indexFile + ": weight_map: none (expected: the file of each tensor)");
      }
      for (Map.Entry<String, JsonNode> entry : map.properties()) {
        String shard = entry.getValue().asText();
        if (!shard.matches("[A-Za-z0-9_][A-Za-z0-9._-]*")) {
          throw new IOException(
              indexFile + ": " + entry.getKey() + ": " + shard + " (expected: a file's name)");
        }
        index.put(entry.getKey(), shard);
        names.add(shard);
      }
    } else {
      throw new NoSuchFileException(
          directory + ": no weights (expected: " + SINGLE + " or " + INDEX + ")");
    }
    List<SafetensorsFile> files = new ArrayList<>();
    try {
      for (String name : names) {
        files.add(SafetensorsFile.open(directory.resolve(name)));
      }
      ModelFiles model = new ModelFiles(directory, files);
      if (!index.isEmpty()) {
        model.requireIndex(indexFile, index);
      }
      return model;
    } catch (IOException | RuntimeException e) {
      for (SafetensorsFile file : files) {
        file.close();
      }
      throw e;
    }
  }

  /** Checks that the shards hold what their index says, and nothing else. */
  private void requireIndex(Path indexFile, Map<String, String> index) throws IOException {
    for (Map.Entry<String, String> entry : index.entrySet()) {
      SafetensorsFile file = byTensor.get(entry.getKey());
      if (file == null) {
        throw new IOException(
            directory.resolve(entry.getValue())
                + ": "
                + entry.getKey()
                + ": no such tensor (expected: it, as "
                + INDEX
                + " says)");
      }
      String found = String.valueOf(file.path().getFileName());
      if (!found.equals(entry.getValue())) {
        throw new IOException(
            indexFile
                + ": "
                + entry.getKey()
                + ": "
                + entry.getValue()
                + " (expected: "
                + found
                + ", which holds it)");
      }
    }
    for (Map.Entry<String, SafetensorsFile> entry : byTensor.entrySet()) {
      if (!index.containsKey(entry.getKey())) {
        throw new IOException(
            entry.getValue().path()
                + ": "
                + entry.getKey()
                + ": not in "
                + INDEX
                + " (expected: the index of these files)");
      }
    }
  }

  @Override
  public List<String> names() {
    return List.copyOf(byTensor.keySet());
  }

  /** Returns the file that holds a tensor, or null. */
  public @Nullable SafetensorsFile find(String name) {
    return byTensor.get(name);
  }

  /**
   * Returns the file that holds a tensor.
   *
   * @throws IOException if none does
   */
  public SafetensorsFile file(String name) throws IOException {
    SafetensorsFile file = byTensor.get(name);
    if (file == null) {
      throw new IOException(directory + ": " + name + ": no such tensor");
    }
    return file;
  }

  @Override
  public StoredTensor tensor(String name) throws IOException {
    return file(name).tensor(name);
  }

  @Override
  public void copyFloats(String name, long from, FloatBuffer out) throws IOException {
    file(name).copyFloats(name, from, out);
  }

  @Override
  public void copyBytes(String name, ByteBuffer out) throws IOException {
    file(name).copyBytes(name, out);
  }

  @Override
  public void digest(String name, MessageDigest digest) throws IOException {
    digest.update(file(name).map(name));
  }

  @Override
  public String where(String name) throws IOException {
    return file(name).path() + ": " + name;
  }

  /**
   * Returns the content hash of a model directory or GGUF file: SHA-256 over the shape that {@code
   * config.json} gives and over every tensor's name, type, shape and bytes, by name. Sharding and
   * other config values do not change it.
   */
  public static String contentHash(Path directory) throws IOException {
    MessageDigest digest = Sha256.digest();
    ModelConfig config = ModelConfig.read(directory);
    ObjectNode shape = Json.object();
    shape.put("model_type", config.modelType());
    shape.put("hidden_size", config.hiddenSize());
    shape.put("intermediate_size", config.intermediateSize());
    shape.put("layers", config.layers());
    shape.put("heads", config.heads());
    shape.put("key_value_heads", config.keyValueHeads());
    shape.put("head_size", config.headSize());
    shape.put("vocabulary_size", config.vocabularySize());
    shape.put("rms_norm_eps", config.rmsNormEps());
    shape.put("rope", config.rope().toString());
    shape.put("windows", config.windows().toString());
    shape.put("tied", config.tiedEmbeddings());
    digest.update(shape.toString().getBytes(StandardCharsets.UTF_8));
    try (BaseWeights files = BaseWeights.open(directory)) {
      for (String name : files.names()) {
        StoredTensor tensor = files.tensor(name);
        digest.update(
            ("\n" + name + " " + tensor.type() + " " + tensor.shape() + "\n")
                .getBytes(StandardCharsets.UTF_8));
        files.digest(name, digest);
      }
    }
    return Sha256.hex(digest);
  }

  @Override
  public void close() throws IOException {
    for (SafetensorsFile file : files) {
      file.close();
    }
  }
}
