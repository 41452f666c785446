package org.edgefit.federation;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Locale;
import org.edgefit.adapter.Adapter;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.strategy.ServerState;

/** Checks that a published state is finite. */
final class FiniteCheck {

  private FiniteCheck() {}

  /**
   * Returns which value of a state is not finite, and whose change is the largest there; empty if
   * all are finite.
   */
  static String fault(ServerState next, List<FileUpdate> updates) {
    Adapter adapter = next.adapter();
    for (int t = 0; t < adapter.layout().tensors().size(); t++) {
      FloatBuffer values = adapter.tensor(t);
      for (int i = 0; i < values.capacity(); i++) {
        if (!Float.isFinite(values.get(i))) {
          return String.format(
              Locale.ROOT,
              "adapter: %s[%d]: %s (expected: a finite number)%s",
              adapter.layout().tensors().get(t).name(),
              i,
              values.get(i),
              largest(updates, adapter.layout(), t, i));
        }
      }
    }
    try {
      next.tensors().requireFinite();
      return "";
    } catch (IllegalArgumentException e) {
      return "state: " + e.getMessage();
    }
  }

  private static String largest(
      List<FileUpdate> updates, AdapterLayout layout, int tensor, int index) {
    String client = "";
    float largest = -1;
    for (FileUpdate update : updates) {
      if (update.layout().equals(layout)) {
        FloatBuffer value = FloatBuffer.allocate(1);
        update.read(tensor, index, value);
        if (Math.abs(value.get(0)) > largest) {
          largest = Math.abs(value.get(0));
          client = update.clientId();
        }
      }
    }
    return client.isEmpty()
        ? ""
        : "; the largest delta there, " + largest + ", is " + client + "'s";
  }
}
