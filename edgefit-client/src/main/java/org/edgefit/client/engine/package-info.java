/**
 * PyTorch: location and loading of its native libraries, its threads and memory, compute types, and
 * kernels.
 */
@NullMarked
package org.edgefit.client.engine;

import org.jspecify.annotations.NullMarked;
