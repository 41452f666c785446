package org.edgefit.strategy;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.security.CodeSource;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.edgefit.file.Sha256;
import org.jspecify.annotations.Nullable;

/**
 * A strategy's settings, read from its fields: numbers, strings, booleans, and arrays, lists and
 * maps of these by value, parts and records by class and fields. Of any other object only the class
 * is recorded. A class outside the library has a hash of its bytecode, so that changes are
 * detected. A lambda is identified by its enclosing class.
 */
public final class PartSettings {

  /** What the value of a lambda's setting begins with. */
  private static final String LAMBDA = "lambda in ";

  private static final String CODE = ", code ";
  private static final String ONE_OF_SEVERAL = ", one of several";
  private static final String NOT_COMPARED = ", content not compared";

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

  /**
   * Returns whether two values of a setting are of one class whose code is another, or of lambdas:
   * what the part does may be the same, which cannot be seen.
   */
  public static boolean isOtherCode(String one, String other) {
    boolean areLambdas = one.startsWith(LAMBDA) && other.startsWith(LAMBDA);
    return areLambdas
        || (one.contains(CODE)
            && other.contains(CODE)
            && one.replaceFirst(CODE + "\\w+", "").equals(other.replaceFirst(CODE + "\\w+", "")));
  }

  /** Returns whether equal values of a setting may stand for parts that do other things. */
  public static boolean isVague(String value) {
    return value.endsWith(ONE_OF_SEVERAL) || value.endsWith(NOT_COMPARED);
  }

  private static void add(
      String path, @Nullable Object value, Map<String, String> settings, int depth) {
    String plain = plain(value);
    if (plain != null) {
      settings.put(
          path, plain.length() <= MOST_TEXT ? plain : "text " + hash(plain.getBytes(UTF_8)));
      return;
    }
    Class<?> type = Objects.requireNonNull(value).getClass();
    boolean isWalked = depth < MOST_DEPTH && (isPart(type) || type.isRecord());
    String name = type.isHidden() ? lambda(type) : type.getName() + code(type, type.getName());
    settings.put(path.isEmpty() ? CLASS : path, isWalked ? name : name + NOT_COMPARED);
    if (!isWalked) {
      return;
    }
    for (Class<?> c = type; c != null && !c.equals(Object.class); c = c.getSuperclass()) {
      for (Field field : c.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers()) && (type.isHidden() || !field.isSynthetic())) {
          addField(path, field, value, settings, depth);
        }
      }
    }
  }

  /** Returns the text of a value that is its own text, or of several of them; else null. */
  private static @Nullable String plain(@Nullable Object value) {
    if (value == null
        || value instanceof Number
        || value instanceof Boolean
        || value instanceof String
        || value instanceof Duration
        || value instanceof Enum) {
      return String.valueOf(value);
    }
    List<@Nullable String> parts = new ArrayList<>();
    if (value instanceof Collection<?> all) {
      all.forEach(one -> parts.add(plain(one)));
    } else if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable String> sorted = new TreeMap<>();
      map.forEach((key, one) -> sorted.put(String.valueOf(plain(key)), plain(one)));
      sorted.forEach((key, one) -> parts.add(one == null ? null : key + "=" + one));
    } else if (value.getClass().isArray()) {
      for (int i = 0; i < Array.getLength(value); i++) {
        parts.add(plain(Array.get(value, i)));
      }
    } else {
      return null;
    }
    return parts.contains(null) ? null : parts.toString();
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
    return LAMBDA + host + code(type, host) + (isOnlyLambda(type, host) ? "" : ONE_OF_SEVERAL);
  }

  private static boolean isOnlyLambda(Class<?> type, String host) {
    try {
      Class<?> of = Class.forName(host, false, type.getClassLoader());
      return Arrays.stream(of.getDeclaredMethods())
              .filter(method -> method.getName().startsWith("lambda$"))
              .count()
          == 1;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  /** Returns a hash of a class's code; empty for the library's own classes and the JDK's. */
  private static String code(Class<?> near, String name) {
    CodeSource source = near.getProtectionDomain().getCodeSource();
    CodeSource own = PartSettings.class.getProtectionDomain().getCodeSource();
    if (source == null
        || (own != null && Objects.equals(source.getLocation(), own.getLocation()))) {
      return "";
    }
    try (InputStream code = near.getResourceAsStream("/" + name.replace('.', '/') + ".class")) {
      return code == null ? "" : CODE + hash(code.readAllBytes());
    } catch (IOException e) {
      return "";
    }
  }

  private static String hash(byte[] bytes) {
    MessageDigest digest = Sha256.digest();
    digest.update(bytes);
    return Sha256.hex(digest).substring(0, 16);
  }
}
