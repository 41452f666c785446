package org.edgefit.federation;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.TaskId;
import org.edgefit.format.peft.UpdateFile;
import org.edgefit.run.Outcome;
import org.edgefit.run.PlannedTask;
import org.edgefit.strategy.Update;

/** A usable answer that is read from its file. */
final class FileUpdate implements Update, Closeable {

  private final Outcome.Trained outcome;
  private final PlannedTask plan;
  private final UpdateFile file;

  FileUpdate(Outcome.Trained outcome, PlannedTask plan, AdapterLayout layout, Path path)
      throws IOException {
    this.outcome = outcome;
    this.plan = plan;
    this.file = UpdateFile.open(path, layout);
  }

  @Override
  public String clientId() {
    return outcome.clientId();
  }

  @Override
  public TaskId task() {
    return outcome.task();
  }

  @Override
  public int startRound() {
    return plan.round() - 1;
  }

  @Override
  public double weight() {
    return outcome.examples();
  }

  @Override
  public long examples() {
    return outcome.examples();
  }

  @Override
  public long labelTokens() {
    return outcome.labelTokens();
  }

  @Override
  public Map<String, Double> metrics() {
    return outcome.metrics();
  }

  @Override
  public LoraConfig config() {
    return plan.lora();
  }

  @Override
  public AdapterLayout layout() {
    return file.layout();
  }

  @Override
  public AdapterDelta delta() {
    try {
      return file.delta();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public NamedTensors tensors() {
    try {
      return file.extra();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void read(int tensor, int from, FloatBuffer out) {
    try {
      file.read(tensor, from, out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
