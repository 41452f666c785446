/**
 * Renders chat templates: the part of the Jinja language that they use, to the letter as Jinja2
 * renders it, where transformers has set it up. What is not known here is refused by its place.
 */
@NullMarked
package org.edgefit.data.jinja;

import org.jspecify.annotations.NullMarked;
