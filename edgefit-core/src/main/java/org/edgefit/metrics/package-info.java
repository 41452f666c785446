/** Accuracy, precision, recall, F1 and perplexity. */
@NullMarked
package org.edgefit.metrics;

import org.jspecify.annotations.NullMarked;
