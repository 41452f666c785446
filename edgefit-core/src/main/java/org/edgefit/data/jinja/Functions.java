package org.edgefit.data.jinja;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Values.Callable;
import org.edgefit.data.jinja.Values.Namespace;
import org.edgefit.data.jinja.Values.View;

/** The functions that every template sees. */
final class Functions {

  /** The most numbers of a range, as in Jinja2's sandbox. */
  private static final int LONGEST_RANGE = 100_000;

  private Functions() {}

  static Map<String, Object> all() {
    Map<String, Object> functions = new LinkedHashMap<>();
    functions.put("range", (Callable) Functions::range);
    functions.put("dict", (Callable) arguments -> pairs("dict", arguments));
    functions.put("namespace", (Callable) arguments -> new Namespace(names(arguments)));
    functions.put("raise_exception", (Callable) Functions::refuse);
    functions.put("strftime_now", (Callable) Functions::now);
    return functions;
  }

  private static Object refuse(Arguments arguments) {
    Object message = arguments.bind("raise_exception", 1, "message").getOrDefault("message", "");
    throw new Fault("the template refuses this: " + Values.string(message));
  }

  private static Object range(Arguments arguments) {
    List<Object> given = arguments.positional("range", 1, 3);
    long first = given.size() == 1 ? 0 : Values.integer(given.get(0));
    long end = Values.integer(given.get(given.size() == 1 ? 0 : 1));
    long step = given.size() == 3 ? Values.integer(given.get(2)) : 1;
    if (step == 0) {
      throw new Fault("range: step 0");
    }
    List<Object> numbers = new ArrayList<>();
    if (Math.abs(first) > Long.MAX_VALUE / 4
        || Math.abs(end) > Long.MAX_VALUE / 4
        || Math.abs(step) > Long.MAX_VALUE / 4) {
      throw new Fault("range: numbers of more than 60 bits are unsupported");
    }
    for (long i = first; step > 0 ? i < end : i > end; i += step) {
      if (numbers.size() == LONGEST_RANGE) {
        throw new Fault("range: more than " + LONGEST_RANGE + " numbers");
      }
      numbers.add(i);
    }
    return new View("range", numbers);
  }

  private static Map<Object, Object> pairs(String function, Arguments arguments) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (Object given : arguments.positional()) {
      if (arguments.positional().size() > 1 || !(given instanceof Map<?, ?> copied)) {
        throw new Fault(function + ": arguments (expected: a dict, and others by name)");
      }
      map.putAll(copied);
    }
    map.putAll(arguments.named());
    return map;
  }

  private static Map<String, Object> names(Arguments arguments) {
    Map<String, Object> names = new LinkedHashMap<>();
    pairs("namespace", arguments)
        .forEach((name, value) -> names.put(Methods.str(name, "namespace"), value));
    return names;
  }

  private static Object now(Arguments arguments) {
    String format = Methods.str(arguments.positional("strftime_now", 1, 1).get(0), "strftime_now");
    LocalDateTime now = LocalDateTime.now(ZoneId.systemDefault());
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < format.length()) {
      char c = format.charAt(at++);
      if (c != '%') {
        text.append(c);
        continue;
      }
      int from = at;
      at = Math.min(format.length(), format.startsWith("-", at) ? at + 2 : at + 1);
      String form = format.substring(from, at);
      String pattern =
          switch (form) {
            case "d" -> "dd";
            case "-d" -> "d";
            case "m" -> "MM";
            case "-m" -> "M";
            case "y" -> "yy";
            case "Y" -> "yyyy";
            case "b" -> "MMM";
            case "B" -> "MMMM";
            case "a" -> "EEE";
            case "A" -> "EEEE";
            case "H" -> "HH";
            case "M" -> "mm";
            case "S" -> "ss";
            case "j" -> "DDD";
            case "%" -> "'%'";
            default -> throw new Fault("strftime_now: %" + form + " is not supported");
          };
      text.append(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now));
    }
    return text.toString();
  }
}
