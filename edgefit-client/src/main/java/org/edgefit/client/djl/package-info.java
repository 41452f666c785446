/** Base models with adapters through DJL's own doors: {@code Criteria}, models and predictors. */
@NullMarked
package org.edgefit.client.djl;

import org.jspecify.annotations.NullMarked;
