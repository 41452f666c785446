package org.edgefit.examples.experiment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.edgefit.file.TextFile;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.reader.ReaderException;

/**
 * A YAML file of one document, without what would be read as something else in silence: a key that
 * is there twice, an alias, a tag.
 */
final class YamlFile {

  /** Deeper than any experiment is. */
  private static final int MOST_DEPTH = 20;

  private static final Set<Tag> TAGS =
      Set.of(Tag.NULL, Tag.BOOL, Tag.INT, Tag.FLOAT, Tag.TIMESTAMP, Tag.STR, Tag.SEQ, Tag.MAP);

  private final Path file;
  private final Set<Node> seen = Collections.newSetFromMap(new IdentityHashMap<>());

  private YamlFile(Path file) {
    this.file = file;
  }

  /**
   * Reads a file.
   *
   * @return what it says; null if it says nothing
   * @throws IOException with the line and column of what is wrong
   */
  static JsonNode read(Path file) throws IOException {
    String text = TextFile.read(file);
    LoaderOptions options = new LoaderOptions();
    options.setNestingDepthLimit(MOST_DEPTH);
    YamlFile yaml = new YamlFile(file);
    try {
      Node root = new Yaml(options).compose(new StringReader(text));
      if (root != null) {
        yaml.check(root);
      }
      return new YAMLMapper().readTree(text);
    } catch (MarkedYAMLException e) {
      throw yaml.wrong(e.getProblemMark(), "not YAML: " + problem(e));
    } catch (ReaderException e) {
      long line = text.substring(0, e.getPosition()).lines().count();
      String character = String.format(Locale.ROOT, "U+%04X", e.getCodePoint());
      throw new IOException(
          file + ": line " + Math.max(1, line) + ": " + character + " (expected: YAML text)");
    } catch (YAMLException | JsonProcessingException e) {
      String problem = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      Matcher number = Pattern.compile("Malformed numeric value '(.*)'").matcher(problem);
      throw new IOException(
          number.find()
              ? file + ": " + number.group(1) + " (expected: a number that is finite)"
              : file + ": not YAML: " + problem,
          e);
    }
  }

  /** Returns the problem without what is meant for the library's own users. */
  private static String problem(MarkedYAMLException e) {
    String problem = String.valueOf(e.getProblem());
    Matcher tag = Pattern.compile("Global tag is not allowed: (.*)").matcher(problem);
    return tag.matches()
        ? "tag " + tag.group(1) + " (expected: no tags)"
        : problem.replaceFirst("\\. \\(Do not use.*", "").replaceFirst("^but found", "found");
  }

  private void check(Node node) throws IOException {
    if (!seen.add(node)) {
      throw wrong(node.getStartMark(), "an alias (expected: no aliases)");
    }
    if (!TAGS.contains(node.getTag())) {
      String tag = node.getTag().getValue();
      throw wrong(node.getStartMark(), "tag " + tag + " (expected: no tags)");
    }
    if (node instanceof SequenceNode sequence) {
      for (Node item : sequence.getValue()) {
        check(item);
      }
    } else if (node instanceof MappingNode mapping) {
      Set<String> keys = new HashSet<>();
      for (NodeTuple tuple : mapping.getValue()) {
        Node key = tuple.getKeyNode();
        if (!(key instanceof ScalarNode name)) {
          throw wrong(key.getStartMark(), "a non-string key");
        }
        if (!keys.add(name.getValue())) {
          throw wrong(key.getStartMark(), name.getValue() + ": duplicate");
        }
        check(tuple.getValueNode());
      }
    }
  }

  private IOException wrong(Mark mark, String problem) {
    return new IOException(
        String.format(
            Locale.ROOT,
            "%s: line %d, column %d: %s",
            file,
            mark.getLine() + 1,
            mark.getColumn() + 1,
            problem));
  }
}
