/** One runnable main per idea. */
@NullMarked
package org.edgefit.examples;

import org.jspecify.annotations.NullMarked;
