/** Seeded randomness: one seed per run, split by name, round and client. */
@NullMarked
package org.edgefit.random;

import org.jspecify.annotations.NullMarked;
