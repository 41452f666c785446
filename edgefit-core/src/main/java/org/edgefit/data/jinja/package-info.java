/**
 * Renders chat templates: the subset of Jinja that they use, exactly as Jinja2 with transformers'
 * settings. Other constructs are errors with line and column.
 */
@NullMarked
package org.edgefit.data.jinja;

import org.jspecify.annotations.NullMarked;
