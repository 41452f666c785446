/** Adapters as PEFT, llama.cpp, runs and the wire have them. */
@NullMarked
package org.edgefit.format.peft;

import org.jspecify.annotations.NullMarked;
