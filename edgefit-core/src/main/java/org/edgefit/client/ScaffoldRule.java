package org.edgefit.client;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.TensorSpec;

/**
 * SCAFFOLD's client (Karimireddy et al. 2020, algorithm 1), option II.
 *
 * <pre>
 * y  &lt;- y - eta (g_i(y) - c_i + c)                 each of K steps
 * c_i+ = c_i - c + (x - y) / (K eta)               option II
 *      = 1/K sum_k g_i(y_k)                        the same, by the line above
 * </pre>
 *
 * <p>x is the adapter that the client was sent, y its own, c the server's control variate (the
 * payload's group {@code control}), c_i the client's (its memory's group {@code control}, zero at
 * first). The second form of c_i+ is what is computed: the mean of the gradients before their
 * correction. It needs no learning rate, so that it also holds for schedules and for AdamW, whose
 * steps are not eta times a gradient. The result carries c_i+ - c_i as its group {@code control}.
 */
final class ScaffoldRule implements LocalRule {

  static final String NAME = "scaffold";
  static final String CONTROL = "control";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public LocalTraining begin(FitInstruction instruction) {
    AdapterLayout layout = instruction.adapter().layout();
    AdapterDelta server = instruction.payload().tensors().delta(CONTROL, layout);
    AdapterDelta own = instruction.memory().deltaOrZero(CONTROL, layout);
    List<float[]> sums = new ArrayList<>();
    for (TensorSpec tensor : layout.tensors()) {
      sums.add(new float[tensor.elements()]);
    }
    return new LocalTraining() {
      private int steps;

      @Override
      public void correct(int tensor, FloatBuffer weights, FloatBuffer gradient) {
        steps += tensor == 0 ? 1 : 0;
        FloatBuffer c = server.tensor(tensor);
        FloatBuffer mine = own.tensor(tensor);
        float[] sum = sums.get(tensor);
        for (int i = 0; i < sum.length; i++) {
          float g = gradient.get(i);
          sum[i] += g;
          gradient.put(i, g - mine.get(i) + c.get(i));
        }
      }

      @Override
      public FitResult end(Adapter trained, FitResult result) {
        AdapterDelta mean =
            AdapterDelta.of(layout, sums.stream().map(FloatBuffer::wrap).toList())
                .scaled(1.0 / steps);
        return result
            .withTensors(result.tensors().with(CONTROL, mean.plus(own, -1)))
            .withMemory(instruction.memory().with(CONTROL, mean));
      }
    };
  }
}
