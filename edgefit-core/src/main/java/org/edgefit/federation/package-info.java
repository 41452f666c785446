/** The round loop, its clients, and its events. */
@NullMarked
package org.edgefit.federation;

import org.jspecify.annotations.NullMarked;
