/** The numbers that a run is about: LoRA adapters, their changes, and the layout of both. */
@NullMarked
package org.edgefit.adapter;

import org.jspecify.annotations.NullMarked;
