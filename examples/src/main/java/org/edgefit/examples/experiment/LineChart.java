package org.edgefit.examples.experiment;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Lines over rounds, from 0 to 1, as an SVG drawing. */
final class LineChart {

  private static final int WIDTH = 720;
  private static final int HEIGHT = 360;
  private static final int LEFT = 48;
  private static final int RIGHT = 16;
  private static final int TOP = 32;
  private static final int BOTTOM = 56;

  /** Colours that colour-blind readers tell apart (Okabe and Ito 2008). */
  private static final List<String> COLOURS =
      List.of("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9");

  private final String title;
  private final List<Line> lines = new ArrayList<>();

  private record Line(String name, List<Double> values) {}

  LineChart(String title) {
    this.title = title;
  }

  /** Adds a line, whose first value is that of round 0. */
  void add(String name, List<Double> values) {
    lines.add(new Line(name, values));
  }

  String svg() {
    int rounds = lines.stream().mapToInt(line -> line.values().size() - 1).max().orElse(1);
    StringBuilder svg = new StringBuilder();
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                + " font-family=\"sans-serif\" font-size=\"13\" fill=\"#888\">",
            WIDTH,
            HEIGHT));
    text(svg, WIDTH / 2.0, 20, "middle", title);
    for (int tenth = 0; tenth <= 10; tenth += 2) {
      double y = y(tenth / 10.0);
      svg.append(
          String.format(
              Locale.ROOT, "<path d=\"M%d %.1fH%d\" stroke=\"#8885\"/>", LEFT, y, WIDTH - RIGHT));
      text(svg, LEFT - 8, y + 4, "end", String.format(Locale.ROOT, "%.1f", tenth / 10.0));
    }
    int step = Math.max(1, (rounds + 9) / 10);
    for (int round = 0; round <= rounds; round += step) {
      text(svg, x(round, rounds), HEIGHT - BOTTOM + 20, "middle", Integer.toString(round));
    }
    for (int i = 0; i < lines.size(); i++) {
      draw(svg, lines.get(i), COLOURS.get(i % COLOURS.size()), rounds, i);
    }
    return svg.append("</svg>\n").toString();
  }

  private void draw(StringBuilder svg, Line line, String colour, int rounds, int index) {
    StringBuilder path = new StringBuilder();
    for (int round = 0; round < line.values().size(); round++) {
      double value = line.values().get(round);
      if (!Double.isNaN(value)) {
        path.append(
            String.format(
                Locale.ROOT,
                "%s%.1f %.1f",
                path.isEmpty() ? "M" : "L",
                x(round, rounds),
                y(value)));
      }
    }
    svg.append("<path d=\"").append(path).append("\" fill=\"none\" stroke-width=\"2\" stroke=\"");
    svg.append(colour).append("\"/>");
    double x = LEFT + index * (WIDTH - LEFT - RIGHT) / (double) lines.size();
    svg.append(
        String.format(
            Locale.ROOT,
            "<path d=\"M%.1f %dh20\" stroke-width=\"2\" stroke=\"%s\"/>",
            x,
            HEIGHT - 16,
            colour));
    text(svg, x + 26, HEIGHT - 12, "start", line.name());
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
            x,
            y,
            anchor,
            Document.escaped(text)));
  }

  private static double x(int round, int rounds) {
    return LEFT + (WIDTH - LEFT - RIGHT) * (double) round / Math.max(1, rounds);
  }

  private static double y(double value) {
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value;
  }
}
