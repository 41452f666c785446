/** Base models with adapters through DJL's API: {@code Criteria}, models and predictors. */
@NullMarked
package org.edgefit.client.djl;

import org.jspecify.annotations.NullMarked;
