/** Frozen base models: their files, their 4-bit weights, their tokenizers, and the kernels. */
@NullMarked
package org.edgefit.client.model;

import org.jspecify.annotations.NullMarked;
