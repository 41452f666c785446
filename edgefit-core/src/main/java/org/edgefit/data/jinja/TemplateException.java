package org.edgefit.data.jinja;

/** A template that cannot be rendered as Jinja2 would; the message names the construct. */
public final class TemplateException extends IllegalArgumentException {

  private static final long serialVersionUID = 1;

  TemplateException(String message) {
    super(message);
  }

  TemplateException(Place place, String message) {
    super(place + ": " + message);
  }
}
