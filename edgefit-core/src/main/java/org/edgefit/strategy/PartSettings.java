package org.edgefit.strategy;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.edgefit.format.Sha256;
import org.jspecify.annotations.Nullable;

/**
 * What makes a strategy what it is, read from its fields: numbers, texts and flags by their value,
 * parts by their class and their own fields. Of anything else, a model or records, only the class
 * is told. A lambda has no name for what it does; it is called by the class that it stands in, and
 * by a hash of that class's code, so that a change of it is seen.
 */
public final class PartSettings {

  /** What the value of a lambda's setting begins with. */
  public static final String LAMBDA = "lambda in ";

  /** The setting that is the strategy's own class. */
  private static final String CLASS = "class";

  private static final int MOST_DEPTH = 6;
  private static final int MOST_TEXT = 200;

  private PartSettings() {}

  /** Returns the settings of a strategy or a part of one, by the path of the field. */
  public static Map<String, String> of(Object part) {
    TreeMap<String, String> settings = new TreeMap<>();
    add("", part, settings, 0);
    return settings;
  }

  private static void add(
      String path, @Nullable Object value, Map<String, String> settings, int depth) {
    if (value == null || isPlain(value)) {
      String text = String.valueOf(value);
      settings.put(path, text.length() <= MOST_TEXT ? text : "text " + hash(text.getBytes(UTF_8)));
      return;
    }
    Class<?> type = value.getClass();
    settings.put(path.isEmpty() ? CLASS : path, type.isHidden() ? lambda(type) : type.getName());
    if (depth < MOST_DEPTH && (isPart(type) || isPlainRecord(value))) {
      for (Class<?> c = type; c != null && !c.equals(Object.class); c = c.getSuperclass()) {
        for (Field field : c.getDeclaredFields()) {
          if (!Modifier.isStatic(field.getModifiers())
              && (type.isHidden() || !field.isSynthetic())) {
            addField(path, field, value, settings, depth);
          }
        }
      }
    }
  }

  /** Returns whether a value is its own text: null, a number, a flag, or a collection of such. */
  private static boolean isPlain(@Nullable Object value) {
    return value == null
        || value instanceof Number
        || value instanceof Boolean
        || value instanceof String
        || value instanceof Duration
        || value instanceof Enum
        || (value instanceof Collection<?> all && all.stream().allMatch(PartSettings::isPlain));
  }

  /** Returns whether a value is a record of options, all of them plain. */
  private static boolean isPlainRecord(Object value) {
    if (!value.getClass().isRecord()) {
      return false;
    }
    for (Field field : value.getClass().getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers()) && !isPlain(read(field, value))) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable Object read(Field field, Object of) {
    try {
      field.setAccessible(true);
      return field.get(of);
    } catch (InaccessibleObjectException | IllegalAccessException e) {
      return "not accessible";
    }
  }

  private static void addField(
      String path, Field field, Object of, Map<String, String> settings, int depth) {
    String own = path.isEmpty() ? field.getName() : path + "." + field.getName();
    add(own, read(field, of), settings, depth + 1);
  }

  /** Returns whether a class is one of a strategy's, whose fields are settings too. */
  private static boolean isPart(Class<?> type) {
    return Strategy.class.isAssignableFrom(type)
        || ClientSampler.class.isAssignableFrom(type)
        || AssignmentRule.class.isAssignableFrom(type)
        || Weighting.class.isAssignableFrom(type)
        || Aggregator.class.isAssignableFrom(type)
        || ServerOptimizer.class.isAssignableFrom(type)
        || MetricsAggregation.class.isAssignableFrom(type)
        || ServerEvaluator.class.isAssignableFrom(type)
        || StopCondition.class.isAssignableFrom(type);
  }

  private static String lambda(Class<?> type) {
    String name = type.getName();
    int end = name.indexOf("$$");
    String host = end < 0 ? name : name.substring(0, end);
    String resource = "/" + host.replace('.', '/') + ".class";
    try (InputStream code = type.getResourceAsStream(resource)) {
      if (code == null) {
        return LAMBDA + host;
      }
      return LAMBDA + host + ", code " + hash(code.readAllBytes());
    } catch (IOException e) {
      return LAMBDA + host;
    }
  }

  private static String hash(byte[] bytes) {
    MessageDigest digest = Sha256.digest();
    digest.update(bytes);
    return Sha256.hex(digest).substring(0, 16);
  }
}
