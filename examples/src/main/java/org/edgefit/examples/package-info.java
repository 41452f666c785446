/** Runnable examples. */
@NullMarked
package org.edgefit.examples;

import org.jspecify.annotations.NullMarked;
