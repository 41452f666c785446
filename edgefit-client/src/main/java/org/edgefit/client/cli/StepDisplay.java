package org.edgefit.client.cli;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.edgefit.client.qlora.StepListener;
import org.edgefit.file.Json;

/** Shows the steps of a training: as progress, or as a JSON object a line on standard output. */
final class StepDisplay implements StepListener, AutoCloseable {

  private final boolean json;
  private final Progress progress;

  StepDisplay(String task, boolean json) {
    this.json = json;
    this.progress = new Progress(task, 1);
  }

  @Override
  public void stepDone(int step, int steps, double loss) {
    if (!json) {
      progress.show(step, steps, String.format(Locale.ROOT, "loss %.4f", loss));
      return;
    }
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", step);
    line.put("steps", steps);
    line.put("loss", loss);
    System.out.println(Json.line(line));
    System.out.flush();
  }

  @Override
  public void close() {
    progress.close();
  }
}
