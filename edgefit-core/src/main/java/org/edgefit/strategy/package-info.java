/** Strategies: client selection, and aggregation into the next adapter. */
@NullMarked
package org.edgefit.strategy;

import org.jspecify.annotations.NullMarked;
