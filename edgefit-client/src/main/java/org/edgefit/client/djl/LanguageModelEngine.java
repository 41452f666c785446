package org.edgefit.client.djl;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import org.edgefit.client.engine.OwnLoader;
import org.jspecify.annotations.Nullable;

/**
 * The DJL engine {@code EdgeFIT}, which opens model directories. Its arrays are those of PyTorch.
 * {@link LanguageModel} shows how it is asked for.
 */
final class LanguageModelEngine extends Engine {

  static final String NAME = "EdgeFIT";

  /** Behind every engine that an application could want by default. */
  static final int RANK = 1000;

  private static Engine pyTorch() {
    return OwnLoader.loadEngine();
  }

  @Override
  public @Nullable Engine getAlternativeEngine() {
    return null;
  }

  @Override
  public String getEngineName() {
    return NAME;
  }

  @Override
  public int getRank() {
    return RANK;
  }

  @Override
  public String getVersion() {
    return pyTorch().getVersion();
  }

  @Override
  public boolean hasCapability(String capability) {
    return pyTorch().hasCapability(capability);
  }

  @Override
  public Model newModel(String name, Device device) {
    return new LanguageModel(name, newBaseManager(device));
  }

  @Override
  public NDManager newBaseManager() {
    return pyTorch().newBaseManager();
  }

  @Override
  public NDManager newBaseManager(@Nullable Device device) {
    return pyTorch().newBaseManager(device);
  }
}
