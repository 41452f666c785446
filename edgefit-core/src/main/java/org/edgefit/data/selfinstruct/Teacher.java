package org.edgefit.data.selfinstruct;

import java.io.IOException;
import java.util.List;
import org.edgefit.random.Seed;

/** A language model that completes prompts. */
@FunctionalInterface
public interface Teacher {

  /**
   * Returns the completion of each prompt, in order. The same prompts and seed give the same
   * completions.
   *
   * @param prompts whole texts, to be continued as they are
   * @param stop the stop string, left out; a completion may also end at EOS or at the length limit
   */
  List<String> complete(List<String> prompts, String stop, Seed seed) throws IOException;
}
