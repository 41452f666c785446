package org.edgefit.strategy;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;

/**
 * The weighted mean, summed in double in the order of the updates, tensor by tensor, and rounded to
 * float32 once. It holds one tensor in double besides the result, however many updates there are.
 */
final class WeightedMean implements Aggregator {

  @Override
  public AdapterDelta combine(List<Update> updates) {
    AdapterLayout layout = updates.get(0).delta().layout();
    double total = 0;
    for (Update update : updates) {
      layout.requireSame(update.delta().layout());
      total += update.weight();
    }
    List<FloatBuffer> mean = new ArrayList<>();
    for (int t = 0; t < layout.tensors().size(); t++) {
      double[] sum = new double[layout.tensors().get(t).elements()];
      for (Update update : updates) {
        FloatBuffer values = update.delta().tensor(t);
        double weight = update.weight();
        for (int i = 0; i < sum.length; i++) {
          sum[i] += weight * values.get(i);
        }
      }
      float[] rounded = new float[sum.length];
      for (int i = 0; i < sum.length; i++) {
        rounded[i] = (float) (sum[i] / total);
      }
      mean.add(FloatBuffer.wrap(rounded));
    }
    return AdapterDelta.of(layout, mean);
  }
}
