package org.edgefit.examples;

import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.edgefit.run.History;
import org.edgefit.run.RoundSummary;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws what a run measured at its server: a line per measure, a point per round. */
final class RunPlot {

  private RunPlot() {}

  /** Writes a PNG with the loss and the macro-F1 of each round. */
  static void write(History history, Path file) throws IOException {
    System.setProperty("java.awt.headless", "true");
    XYChart chart =
        new XYChartBuilder()
            .width(900)
            .height(520)
            .title("Held-out loss and macro-F1 per round")
            .xAxisTitle("round")
            .yAxisTitle("macro-F1")
            .build();
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideS);
    chart.getStyler().setYAxisMin(0, 0.0).setYAxisMax(0, 1.0).setYAxisMin(1, 0.0);
    chart.getStyler().setYAxisGroupPosition(1, Styler.YAxisPosition.Right);
    chart.getStyler().setXAxisDecimalPattern("0");
    chart.setYAxisGroupTitle(1, "loss (nats per token)");
    List<RoundSummary> rounds = history.rounds();
    double[] numbers = rounds.stream().mapToDouble(RoundSummary::round).toArray();
    chart.addSeries("macro-F1", numbers, measure(rounds, "f1")).setMarker(SeriesMarkers.CIRCLE);
    chart
        .addSeries("loss", numbers, measure(rounds, "loss"))
        .setMarker(SeriesMarkers.DIAMOND)
        .setYAxisGroup(1);
    BufferedImage image =
        new BufferedImage(chart.getWidth(), chart.getHeight(), BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    chart.paint(graphics, chart.getWidth(), chart.getHeight());
    graphics.dispose();
    ImageIO.write(image, "png", file.toFile());
  }

  private static double[] measure(List<RoundSummary> rounds, String name) {
    return rounds.stream()
        .mapToDouble(round -> round.serverMetrics().getOrDefault(name, Double.NaN))
        .toArray();
  }
}
