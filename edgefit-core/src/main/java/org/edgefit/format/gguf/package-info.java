/** llama.cpp's container GGUF: metadata, blocks of quantised weights, tokenizers. */
@NullMarked
package org.edgefit.format.gguf;

import org.jspecify.annotations.NullMarked;
