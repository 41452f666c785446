/**
 * PyTorch: where its native libraries lie and how they are loaded, its threads and memory, the
 * types it computes in, and the kernels that it runs.
 */
@NullMarked
package org.edgefit.client.engine;

import org.jspecify.annotations.NullMarked;
