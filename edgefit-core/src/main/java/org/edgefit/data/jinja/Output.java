package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.List;
import org.edgefit.data.jinja.JinjaTemplate.Span;
import org.edgefit.data.jinja.Place.Fault;

/** The text that a template has written so far, and what of it the model is to generate. */
final class Output {

  private final StringBuilder text = new StringBuilder();
  private final List<Span> generated = new ArrayList<>();
  private final boolean isCaptured;

  /**
   * Makes an output.
   *
   * @param isCaptured whether the text becomes a value, so that its place is not known
   */
  Output(boolean isCaptured) {
    this.isCaptured = isCaptured;
  }

  void append(String more) {
    Strings.limit((long) text.length() + more.length());
    text.append(more);
  }

  int length() {
    return text.length();
  }

  /** Says that the text from {@code start} is the model's. */
  void generated(int start) {
    if (isCaptured) {
      throw new Fault("generation within a macro, call, filter or set is not supported");
    }
    generated.add(new Span(start, text.length()));
  }

  List<Span> generated() {
    return generated;
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
