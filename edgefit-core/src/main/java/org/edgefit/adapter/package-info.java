/** LoRA adapters, adapter deltas, and their tensor layout. */
@NullMarked
package org.edgefit.adapter;

import org.jspecify.annotations.NullMarked;
