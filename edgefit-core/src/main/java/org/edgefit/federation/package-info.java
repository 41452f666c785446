/** The round loop, the clients that it asks, and what it reports. */
@NullMarked
package org.edgefit.federation;

import org.jspecify.annotations.NullMarked;
