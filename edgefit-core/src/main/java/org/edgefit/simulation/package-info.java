/**
 * Devices of homes on a virtual clock: how long rounds would take there, and who would drop out.
 */
@org.jspecify.annotations.NullMarked
package org.edgefit.simulation;
