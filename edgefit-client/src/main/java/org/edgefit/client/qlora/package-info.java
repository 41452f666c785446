/** QLoRA: the decoder's forward and backward pass, loss, optimizer, training, scoring, answers. */
@NullMarked
package org.edgefit.client.qlora;

import org.jspecify.annotations.NullMarked;
