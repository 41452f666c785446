/** QLoRA: forward and backward pass, loss, optimizer, training, evaluation, generation. */
@NullMarked
package org.edgefit.client.qlora;

import org.jspecify.annotations.NullMarked;
