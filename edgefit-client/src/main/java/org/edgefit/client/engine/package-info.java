/** The engine's native libraries: where they lie, how they are loaded, and their memory. */
@NullMarked
package org.edgefit.client.engine;

import org.jspecify.annotations.NullMarked;
