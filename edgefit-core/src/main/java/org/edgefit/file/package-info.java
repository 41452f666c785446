/** Files that appear whole or not at all, their hashes, and the text and JSON in them. */
@NullMarked
package org.edgefit.file;

import org.jspecify.annotations.NullMarked;
