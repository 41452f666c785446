/** Self-Instruct: new records from a few written ones, by a teacher model and filters. */
@NullMarked
package org.edgefit.data.selfinstruct;

import org.jspecify.annotations.NullMarked;
