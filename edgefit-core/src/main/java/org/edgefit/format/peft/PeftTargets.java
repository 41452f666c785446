package org.edgefit.format.peft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.edgefit.adapter.AdapterLayout;
import org.edgefit.adapter.LinearSpec;
import org.edgefit.adapter.LoraConfig;
import org.edgefit.file.Json;
import org.jspecify.annotations.Nullable;

/**
 * The target modules of a PEFT config: by name suffix, regular expression or all; limited to some
 * blocks; with exclusions. Source: {@code peft.tuners.tuners_utils}.
 */
final class PeftTargets {

  private static final String TARGETS = "target_modules";
  private static final String EXCLUDED = "exclude_modules";
  private static final String BLOCKS = "layers_to_transform";
  private static final String BLOCKS_PATTERN = "layers_pattern";

  private final Path file;
  private final Names targets;
  private final @Nullable Names excluded;
  private final List<Integer> blocks;
  private final List<Pattern> blockPatterns;

  private PeftTargets(
      Path file,
      Names targets,
      @Nullable Names excluded,
      List<Integer> blocks,
      List<Pattern> blockPatterns) {
    this.file = file;
    this.targets = targets;
    this.excluded = excluded;
    this.blocks = blocks;
    this.blockPatterns = blockPatterns;
  }

  /** Names of layers: the ends of them, or a pattern of the whole. */
  private record Names(List<String> ends, @Nullable Pattern whole) {
    boolean has(String layer) {
      return whole != null
          ? whole.matcher(layer).matches()
          : ends.stream().anyMatch(end -> layer.equals(end) || layer.endsWith("." + end));
    }
  }

  static PeftTargets of(Path file, ObjectNode json) throws IOException {
    Names targets =
        Objects.requireNonNullElse(names(file, json, TARGETS), new Names(List.of(), null));
    if (targets.whole() == null && targets.ends().isEmpty()) {
      throw refused(file, json, TARGETS, "names of layers, or a regular expression");
    }
    List<Integer> blocks = new ArrayList<>();
    JsonNode written = json.path(BLOCKS);
    for (JsonNode block : written.isArray() ? written : Json.array().add(written)) {
      if (block.isInt()) {
        blocks.add(block.intValue());
      } else if (!block.isMissingNode() && !block.isNull()) {
        throw refused(file, json, BLOCKS, "numbers of blocks");
      }
    }
    List<Pattern> patterns = new ArrayList<>();
    JsonNode named = json.path(BLOCKS_PATTERN);
    for (JsonNode pattern : named.isArray() ? named : Json.array().add(named)) {
      if (pattern.isTextual() && !pattern.asText().isEmpty()) {
        patterns.add(
            compiled(file, json, BLOCKS_PATTERN, ".*\\." + pattern.asText() + "\\.(\\d+)\\."));
      }
    }
    if (patterns.isEmpty()) {
      patterns.add(Pattern.compile(".*\\.[^.]*\\.(\\d+)\\."));
    }
    if (!blocks.isEmpty() && targets.whole() != null) {
      throw refused(file, json, BLOCKS, "none beside a " + TARGETS + " that is no list");
    }
    return new PeftTargets(file, targets, names(file, json, EXCLUDED), blocks, patterns);
  }

  private static @Nullable Names names(Path file, ObjectNode json, String key) throws IOException {
    JsonNode written = json.path(key);
    if (written.isTextual() && !written.asText().isEmpty()) {
      boolean isAll = written.asText().equals(LoraConfig.ALL_LINEAR);
      String pattern = isAll ? "(?!.*lm_head).*" : written.asText();
      return new Names(List.of(), compiled(file, json, key, pattern));
    }
    List<String> ends = new ArrayList<>();
    for (JsonNode end : written) {
      if (!end.isTextual() || end.asText().isEmpty()) {
        throw refused(file, json, key, "names of layers");
      }
      ends.add(end.asText());
    }
    return ends.isEmpty() ? null : new Names(ends, null);
  }

  private static Pattern compiled(Path file, ObjectNode json, String key, String pattern)
      throws IOException {
    try {
      // Python's spelling of named groups is another.
      return Pattern.compile(
          pattern.replace("(?P<", "(?<").replaceAll("\\(\\?P=(\\w+)\\)", "\\\\k<$1>"));
    } catch (PatternSyntaxException e) {
      throw refused(file, json, key, "a regular expression");
    }
  }

  private static IOException refused(Path file, ObjectNode json, String key, String expected) {
    return new IOException(
        file + ": " + key + ": " + json.get(key) + " (expected: " + expected + ")");
  }

  /**
   * Returns the targets that choose the adapted layers, after these were held to the configuration:
   * the ends of names as they are written, or where it chooses otherwise the layers' whole names.
   *
   * @param weights the file of the tensors, for messages
   * @throws IOException naming the first tensor that the configuration does not choose, or what it
   *     chooses and is not there
   */
  List<String> choosing(Path weights, List<LinearSpec> layers) throws IOException {
    for (LinearSpec layer : layers) {
      if (!chooses(layer.name())) {
        throw new IOException(
            weights
                + ": "
                + AdapterLayout.nameOfA(layer.name())
                + ": not a layer that "
                + file.getFileName()
                + " chooses (expected: "
                + this
                + ")");
      }
    }
    for (String end : targets.ends()) {
      boolean mayBeExcluded =
          excluded != null && (excluded.whole() != null || excluded.has("layer." + end));
      if (!mayBeExcluded
          && layers.stream().noneMatch(layer -> new Names(List.of(end), null).has(layer.name()))) {
        throw new IOException(
            weights
                + ": no tensor of "
                + end
                + " (expected: some, as "
                + file.getFileName()
                + " has it in "
                + TARGETS
                + ")");
      }
    }
    for (int block : blocks) {
      if (layers.stream().noneMatch(layer -> blockOf(layer.name()) == block)) {
        throw new IOException(
            weights
                + ": no tensor of block "
                + block
                + " (expected: some, as "
                + file.getFileName()
                + " has it in "
                + BLOCKS
                + ")");
      }
    }
    boolean isPlain = targets.whole() == null && blocks.isEmpty() && excluded == null;
    return isPlain
        ? targets.ends()
        : List.copyOf(new TreeSet<>(layers.stream().map(LinearSpec::name).toList()));
  }

  private boolean chooses(String layer) {
    return targets.has(layer)
        && (excluded == null || !excluded.has(layer))
        && (blocks.isEmpty() || blocks.contains(blockOf(layer)));
  }

  private int blockOf(String layer) {
    for (Pattern pattern : blockPatterns) {
      Matcher block = pattern.matcher(layer);
      if (block.lookingAt()) {
        return Integer.parseInt(block.group(1));
      }
    }
    return -1;
  }

  @Override
  public String toString() {
    return TARGETS
        + " "
        + (targets.whole() != null ? targets.whole() : targets.ends())
        + (blocks.isEmpty() ? "" : ", " + BLOCKS + " " + blocks)
        + (excluded == null
            ? ""
            : ", but for " + (excluded.whole() != null ? excluded.whole() : excluded.ends()));
  }
}
