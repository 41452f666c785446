/** Client devices on a virtual clock: simulated round times and dropouts. */
@org.jspecify.annotations.NullMarked
package org.edgefit.simulation;
