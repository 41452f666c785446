/**
 * The files that other tools read and write: safetensors, PEFT adapters, Hugging Face
 * configurations.
 */
@NullMarked
package org.edgefit.format;

import org.jspecify.annotations.NullMarked;
