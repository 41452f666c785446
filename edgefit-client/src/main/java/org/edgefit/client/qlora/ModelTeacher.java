package org.edgefit.client.qlora;

import java.io.IOException;
import java.util.List;
import org.edgefit.client.model.BaseModel;
import org.edgefit.data.selfinstruct.Teacher;
import org.edgefit.random.Seed;

/** A base model as a teacher, which samples completions. */
public final class ModelTeacher implements Teacher, AutoCloseable {

  private final TextGenerator generator;
  private final GenerationOptions options;

  /** Makes a teacher that samples up to 96 tokens with temperature 0.8 and top-p 0.95. */
  public ModelTeacher(BaseModel base) {
    this(base, GenerationOptions.greedy(96).sampled(0.8, 0, 0.95));
  }

  /**
   * Makes a teacher.
   *
   * @param options how tokens are drawn; the stop strings and the seed are those of each call
   */
  public ModelTeacher(BaseModel base, GenerationOptions options) {
    this.generator = new TextGenerator(base, null);
    this.options = options;
  }

  @Override
  public List<String> complete(List<String> prompts, String stop, Seed seed) throws IOException {
    GenerationOptions own = options.withStops(List.of(stop)).withSeed(seed.value());
    return generator.completions(prompts, own, (done, of) -> {});
  }

  @Override
  public void close() {
    generator.close();
  }
}
