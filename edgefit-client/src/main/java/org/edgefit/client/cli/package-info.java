/** The client's launcher. */
@NullMarked
package org.edgefit.client.cli;

import org.jspecify.annotations.NullMarked;
