package org.edgefit.examples.experiment;

import java.util.Locale;

/** An SVG drawing on its way, which is as wide as its page. */
final class Svg {

  private final StringBuilder text = new StringBuilder();

  Svg(int width, int height) {
    add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
            + " font-family=\"sans-serif\" font-size=\"13\" fill=\"#888\">",
        width, height);
  }

  private void add(String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values));
  }

  /**
   * Writes a line of text.
   *
   * @param anchor which part of it is at x: start, middle or end
   */
  void text(double x, double y, String anchor, String line) {
    add(
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
        x, y, anchor, Document.escaped(line));
  }

  /** Fills a box. */
  void box(double x, double y, double width, double height, String colour) {
    add(
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>",
        x, y, width, height, colour);
  }

  /** Draws a path. */
  void path(String path, String colour, int width) {
    add("<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%d\"/>", path, colour, width);
  }

  /** Returns the drawing. */
  String close() {
    return text.append("</svg>\n").toString();
  }
}
