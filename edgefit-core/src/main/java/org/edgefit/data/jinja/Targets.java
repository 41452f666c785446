package org.edgefit.data.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.edgefit.data.jinja.Place.Fault;
import org.edgefit.data.jinja.Token.Kind;
import org.edgefit.data.jinja.Values.Namespace;

/** Reads the targets of assignments and loops: names, and attributes of namespaces. */
final class Targets {

  private final Tokens tokens;
  private final Frames frames;
  private final Operands operands;
  private final List<String> names = new ArrayList<>();

  Targets(Tokens tokens, Frames frames, Operands operands) {
    this.tokens = tokens;
    this.frames = frames;
    this.operands = operands;
  }

  /** Forgets the names that were read. */
  void forgetNames() {
    names.clear();
  }

  /** Returns the names that were read; an attribute's is empty. */
  List<String> names() {
    return List.copyOf(names);
  }

  /** Sets what a target names. */
  interface Target {
    void set(Scope scope, Object value);
  }

  /** Reads a name, a namespace's attribute, or several with commas between them. */
  Target read(Set<String> ends) {
    List<Target> parts = new ArrayList<>();
    boolean isTuple = false;
    do {
      if (!parts.isEmpty() && (tokens.is(Kind.NAME) && ends.contains(tokens.peek().text()))) {
        break;
      }
      parts.add(one());
      isTuple |= tokens.peek().isOperator(",");
    } while (tokens.skip(","));
    return isTuple ? unpacked(parts) : parts.get(0);
  }

  private Target one() {
    if (tokens.skip("(")) {
      Target inner = read(Set.of());
      tokens.expectOperator(")");
      return inner;
    }
    Token name = tokens.expect(Kind.NAME);
    if (!tokens.skip(".")) {
      String text = operands.assignable(name);
      names.add(text);
      return (scope, value) -> scope.set(text, value);
    }
    String attribute = tokens.expect(Kind.NAME).text();
    frames.read(name.text());
    names.add("");
    return (scope, value) -> {
      if (!(scope.get(name.text()) instanceof Namespace namespace)) {
        throw new Fault("\"" + name.text() + "\" is no namespace, and cannot be changed");
      }
      namespace.attributes().put(attribute, value);
    };
  }

  private static Target unpacked(List<Target> parts) {
    return (scope, value) -> {
      List<Object> values = Values.list(value);
      if (values.size() != parts.size()) {
        throw new Fault(values.size() + " values for " + parts.size() + " names");
      }
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).set(scope, values.get(i));
      }
    };
  }
}
