/** Base models: configuration, and weights by name from any file format. */
@NullMarked
package org.edgefit.format.model;

import org.jspecify.annotations.NullMarked;
