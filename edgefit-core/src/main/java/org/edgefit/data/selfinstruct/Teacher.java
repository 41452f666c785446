package org.edgefit.data.selfinstruct;

import java.io.IOException;
import java.util.List;
import org.edgefit.random.Seed;

/** A language model that goes on with texts. */
@FunctionalInterface
public interface Teacher {

  /**
   * Returns for each prompt what follows it, in the order of the prompts. The same prompts and seed
   * give the same texts.
   *
   * @param prompts whole texts, to be continued as they are
   * @param stop where a text ends, left out; it may also end at the model's own end, or where it
   *     has become too long
   */
  List<String> complete(List<String> prompts, String stop, Seed seed) throws IOException;
}
