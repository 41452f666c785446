package org.edgefit.data.jinja;

import java.util.List;

/** A part of a template that writes text or changes names. */
@FunctionalInterface
interface Statement {

  /** How a loop goes on. */
  enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  Flow run(Scope scope, Output output);

  /** Runs statements in turn, up to one that leaves the loop's body. */
  static Flow runAll(List<Statement> statements, Scope scope, Output output) {
    for (Statement statement : statements) {
      Flow flow = statement.run(scope, output);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }
}
