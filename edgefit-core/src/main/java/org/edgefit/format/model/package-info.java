/** Base models: their configuration, and their weights by name whatever file they lie in. */
@NullMarked
package org.edgefit.format.model;

import org.jspecify.annotations.NullMarked;
