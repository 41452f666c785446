/** Rules of one's own, each as short as it can be. */
@NullMarked
package org.edgefit.examples.strategies;

import org.jspecify.annotations.NullMarked;
