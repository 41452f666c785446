package org.edgefit.client.djl;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineProvider;

/** How DJL finds the engine. */
public final class LanguageModelEngineProvider implements EngineProvider {

  private static final class Holder {
    static final Engine ENGINE = new LanguageModelEngine();
  }

  @Override
  public String getEngineName() {
    return LanguageModelEngine.NAME;
  }

  @Override
  public int getEngineRank() {
    return LanguageModelEngine.RANK;
  }

  @Override
  public Engine getEngine() {
    return Holder.ENGINE;
  }
}
