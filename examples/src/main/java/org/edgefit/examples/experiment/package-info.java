/** The paper's experiment: data, four procedures, and a report. */
@NullMarked
package org.edgefit.examples.experiment;

import org.jspecify.annotations.NullMarked;
