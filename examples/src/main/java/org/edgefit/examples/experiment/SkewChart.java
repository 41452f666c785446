package org.edgefit.examples.experiment;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Who has how many records of which class, a bar for each client. */
final class SkewChart {

  private static final int WIDTH = 720;
  private static final int LEFT = 76;
  private static final int RIGHT = 56;
  private static final int BAR = 22;
  private static final int COLUMNS = 3;

  private SkewChart() {}

  /**
   * Draws the bars.
   *
   * @param keys the classes, in the order of the bars' parts
   * @param counts for each client the records of each class
   */
  static String svg(List<String> keys, List<Map<String, Integer>> counts) {
    int most = 1;
    for (Map<String, Integer> count : counts) {
      most = Math.max(most, count.values().stream().mapToInt(Integer::intValue).sum());
    }
    int bars = counts.size() * BAR;
    Svg svg = new Svg(WIDTH, bars + 16 + BAR * ((keys.size() + COLUMNS - 1) / COLUMNS));
    for (int client = 0; client < counts.size(); client++) {
      double x = LEFT;
      int y = client * BAR;
      svg.text(LEFT - 8, y + 15, "end", "home-" + client);
      int all = 0;
      for (int k = 0; k < keys.size(); k++) {
        int count = counts.get(client).getOrDefault(keys.get(k), 0);
        double width = (WIDTH - LEFT - RIGHT) * count / (double) most;
        svg.box(x, y + 2, width, BAR - 4, colour(k, keys.size()));
        x += width;
        all += count;
      }
      svg.text(x + 6, y + 15, "start", Integer.toString(all));
    }
    for (int k = 0; k < keys.size(); k++) {
      double x = LEFT + (k % COLUMNS) * (WIDTH - LEFT) / (double) COLUMNS;
      int y = bars + 12 + k / COLUMNS * BAR;
      svg.box(x, y, 12, 12, colour(k, keys.size()));
      svg.text(x + 18, y + 11, "start", keys.get(k));
    }
    return svg.close();
  }

  /** Returns hues that are as far apart as may be, dark and light in turn. */
  private static String colour(int index, int count) {
    return String.format(
        Locale.ROOT, "hsl(%d 65%% %d%%)", 360 * index / count, index % 2 == 0 ? 45 : 65);
  }
}
