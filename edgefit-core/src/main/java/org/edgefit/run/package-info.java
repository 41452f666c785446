/** The run directory: everything that a run leaves on disk. */
@NullMarked
package org.edgefit.run;

import org.jspecify.annotations.NullMarked;
