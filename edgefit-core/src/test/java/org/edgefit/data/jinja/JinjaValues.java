package org.edgefit.data.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The values that the expressions of these tests name. */
final class JinjaValues {

  private JinjaValues() {}

  /** Renders a template with them. */
  static String render(String template) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("s", "Hello, World");
    values.put("n", 7);
    values.put("f", 2.5);
    values.put("l", List.of(3, 1, 2));
    values.put("d", mapping("b", 1, "a", 2));
    values.put("e", "");
    values.put("t", true);
    values.put(
        "rows",
        List.of(
            mapping("k", "x", "v", 3, "o", mapping("p", 1)),
            mapping("k", "Y", "v", 1),
            mapping("k", "z", "v", 2)));
    values.put("u", "äß😀");
    return JinjaTemplate.parse(template).render(values).text();
  }

  private static Map<String, Object> mapping(Object... entries) {
    Map<String, Object> mapping = new LinkedHashMap<>();
    for (int i = 0; i < entries.length; i += 2) {
      mapping.put((String) entries[i], entries[i + 1]);
    }
    return mapping;
  }
}
