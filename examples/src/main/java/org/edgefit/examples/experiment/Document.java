package org.edgefit.examples.experiment;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.edgefit.file.DurableFiles;
import org.edgefit.file.Json;

/** A report of headings, texts, tables and drawings, as one HTML page and as Markdown. */
final class Document {

  private static final String STYLE =
      """
      :root { color-scheme: light dark; }
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
      h1, h2, h3 { line-height: 1.2; margin: 1.6em 0 .4em; }
      .wide { overflow-x: auto; }
      table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; }
      th, td { padding: .3rem .5rem; text-align: right; border-bottom: 1px solid #8884; }
      td { white-space: nowrap; }
      figure { margin: 1rem 0; }
      th:first-child, td:first-child { text-align: left; }
      pre { overflow-x: auto; font-size: .8rem; background: #8881; padding: .7rem; }
      svg { width: 100%; height: auto; }
      """;

  private final String title;
  private final StringBuilder html = new StringBuilder();
  private final StringBuilder markdown = new StringBuilder();
  private final List<Drawing> drawings = new ArrayList<>();

  private final ObjectNode json = Json.object();
  private final ArrayNode tables = json.putArray("tables");
  private String heading = "";
  private String subheading = "";

  private record Drawing(String file, String svg) {}

  Document(String title) {
    this.title = title;
    markdown.append("# ").append(title).append("\n\n");
  }

  void heading(String text) {
    heading = text;
    subheading = "";
    html.append("<h2>").append(escaped(text)).append("</h2>\n");
    markdown.append("## ").append(text).append("\n\n");
  }

  void subheading(String text) {
    subheading = text;
    html.append("<h3>").append(escaped(text)).append("</h3>\n");
    markdown.append("### ").append(text).append("\n\n");
  }

  void paragraph(String text) {
    html.append("<p>").append(escaped(text)).append("</p>\n");
    markdown.append(text).append("\n\n");
  }

  /** Adds text whose columns are made of spaces. */
  void preformatted(String text) {
    html.append("<pre>").append(escaped(text)).append("</pre>\n");
    markdown.append("```\n").append(text.stripTrailing()).append("\n```\n\n");
  }

  /** Adds a table, whose first column is text. */
  void table(List<String> head, List<List<String>> rows) {
    keep(head, rows);
    html.append("<div class=\"wide\"><table><thead>");
    row(head, "th");
    html.append("</thead><tbody>");
    rows.forEach(row -> row(row, "td"));
    html.append("</tbody></table></div>\n");
    markdown.append("| ").append(String.join(" | ", head)).append(" |\n|---");
    markdown.append("|--:".repeat(head.size() - 1)).append("|\n");
    rows.forEach(row -> markdown.append("| ").append(String.join(" | ", row)).append(" |\n"));
    markdown.append('\n');
  }

  private void keep(List<String> head, List<List<String>> rows) {
    ObjectNode table = tables.addObject();
    table.put("heading", heading);
    table.put("subheading", subheading);
    table.set("columns", Json.tree(head));
    table.set("rows", Json.tree(rows));
  }

  private void row(List<String> cells, String tag) {
    html.append("<tr>");
    for (String cell : cells) {
      html.append('<').append(tag).append('>').append(escaped(cell));
      html.append("</").append(tag).append('>');
    }
    html.append("</tr>");
  }

  /**
   * Adds a drawing.
   *
   * @param name its file's name without the ending
   * @param about what it shows, for those who do not see it
   */
  void drawing(String name, String about, String svg) {
    html.append("<figure role=\"img\" aria-label=\"").append(escaped(about)).append("\">");
    html.append(svg).append("</figure>\n");
    String file = name + ".svg";
    markdown.append("![").append(about).append("](").append(file).append(")\n\n");
    drawings.add(new Drawing(file, svg));
  }

  /** Returns bytes as a cell of a table, in MB. */
  static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f", bytes / 1e6);
  }

  static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  /** Writes {@code report.html}, {@code report.md}, its tables as JSON, and the drawings. */
  void write(Path folder) throws IOException {
    String page =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>"
            + escaped(title)
            + "</title><style>\n"
            + STYLE
            + "</style></head><body>\n<h1>"
            + escaped(title)
            + "</h1>\n"
            + html
            + "</body></html>\n";
    DurableFiles.write(folder.resolve("report.html"), page);
    DurableFiles.write(folder.resolve("report.md"), markdown.toString());
    DurableFiles.write(folder.resolve("tables.json"), json.toPrettyString() + "\n");
    for (Drawing drawing : drawings) {
      DurableFiles.write(folder.resolve(drawing.file()), drawing.svg());
    }
  }
}
