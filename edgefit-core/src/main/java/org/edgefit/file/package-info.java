/** Atomic file writes, file hashes, text files and JSON. */
@NullMarked
package org.edgefit.file;

import org.jspecify.annotations.NullMarked;
