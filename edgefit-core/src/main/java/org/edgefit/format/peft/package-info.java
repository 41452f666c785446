/** Adapter files for PEFT, llama.cpp, runs and gRPC. */
@NullMarked
package org.edgefit.format.peft;

import org.jspecify.annotations.NullMarked;
