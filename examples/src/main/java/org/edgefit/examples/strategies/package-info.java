/** Minimal custom strategies. */
@NullMarked
package org.edgefit.examples.strategies;

import org.jspecify.annotations.NullMarked;
