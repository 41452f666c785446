/** The safetensors container: named tensors, their types, their bytes. */
@NullMarked
package org.edgefit.format.safetensors;

import org.jspecify.annotations.NullMarked;
