package org.edgefit.strategy;

import java.util.ArrayList;
import java.util.List;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterDelta;
import org.edgefit.adapter.NamedTensors;
import org.edgefit.client.Config;
import org.edgefit.client.Payload;
import org.edgefit.client.Training;

/**
 * A client's assignment: start adapter, hyperparameters, and the strategy's payload (Flower's
 * {@code FitIns}). Immutable; the default is {@link RoundContext#assignment}.
 *
 * @param start the adapter to start from, of this client's rank
 * @param training how to learn
 * @param payload further tensors and values
 * @param expected the groups of tensors, in the start adapter's layout, that an answer must have
 */
public record Assignment(Adapter start, Training training, Payload payload, List<String> expected) {

  /** Copies the list. */
  public Assignment {
    expected = List.copyOf(expected);
  }

  /** Returns this assignment with another adapter to start from. */
  public Assignment withStart(Adapter newStart) {
    return new Assignment(newStart, training, payload, expected);
  }

  /** Returns this assignment with other settings. */
  public Assignment withTraining(Training newTraining) {
    return new Assignment(start, newTraining, payload, expected);
  }

  /** Returns this assignment with a local rule, given by name. */
  public Assignment withRule(String rule) {
    return withTraining(training.toBuilder().rule(rule).build());
  }

  /** Returns this assignment with a value for the client; see {@link Config}. */
  public Assignment with(String name, Object value) {
    Config config = payload.config().with(name, value);
    return new Assignment(start, training, new Payload(payload.tensors(), config), expected);
  }

  /** Returns this assignment with these tensors for the client, and no others. */
  public Assignment withTensors(NamedTensors tensors) {
    return new Assignment(start, training, new Payload(tensors, payload.config()), expected);
  }

  /** Returns this assignment with a group of tensors for the client. */
  public Assignment with(String group, AdapterDelta tensors) {
    NamedTensors more = payload.tensors().with(group, tensors);
    return new Assignment(start, training, new Payload(more, payload.config()), expected);
  }

  /**
   * Returns this assignment with a tensor group that a result must have, in the start adapter's
   * layout; else it is rejected.
   */
  public Assignment expecting(String group) {
    List<String> more = new ArrayList<>(expected);
    more.add(group);
    return new Assignment(start, training, payload, more);
  }
}
