/** Models of the Hugging Face hub, and its cache. */
@NullMarked
package org.edgefit.format.hub;

import org.jspecify.annotations.NullMarked;
