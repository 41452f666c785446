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
    Svg svg = new Svg(WIDTH, HEIGHT);
    svg.text(WIDTH / 2.0, 20, "middle", title);
    for (int tenth = 0; tenth <= 10; tenth += 2) {
      double y = y(tenth / 10.0);
      svg.path(String.format(Locale.ROOT, "M%d %.1fH%d", LEFT, y, WIDTH - RIGHT), "#8885", 1);
      svg.text(LEFT - 8, y + 4, "end", String.format(Locale.ROOT, "%.1f", tenth / 10.0));
    }
    int step = Math.max(1, (rounds + 9) / 10);
    for (int round = 0; round <= rounds; round += step) {
      svg.text(x(round, rounds), HEIGHT - BOTTOM + 20, "middle", Integer.toString(round));
    }
    for (int i = 0; i < lines.size(); i++) {
      String colour = COLOURS.get(i % COLOURS.size());
      svg.path(path(lines.get(i).values(), rounds), colour, 2);
      double x = LEFT + i * (WIDTH - LEFT - RIGHT) / (double) lines.size();
      svg.path(String.format(Locale.ROOT, "M%.1f %dh20", x, HEIGHT - 16), colour, 2);
      svg.text(x + 26, HEIGHT - 12, "start", lines.get(i).name());
    }
    return svg.close();
  }

  private static String path(List<Double> values, int rounds) {
    StringBuilder path = new StringBuilder();
    for (int round = 0; round < values.size(); round++) {
      double value = values.get(round);
      if (!Double.isNaN(value)) {
        String to = path.isEmpty() ? "M" : "L";
        path.append(String.format(Locale.ROOT, "%s%.1f %.1f", to, x(round, rounds), y(value)));
      }
    }
    return path.toString();
  }

  private static double x(int round, int rounds) {
    return LEFT + (WIDTH - LEFT - RIGHT) * (double) round / Math.max(1, rounds);
  }

  private static double y(double value) {
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value;
  }
}
