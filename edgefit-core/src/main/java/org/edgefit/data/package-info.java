/**
 * Instruction records, from a file to token ids: datasets, prompt templates, encoding and
 * partitions.
 */
@NullMarked
package org.edgefit.data;

import org.jspecify.annotations.NullMarked;
