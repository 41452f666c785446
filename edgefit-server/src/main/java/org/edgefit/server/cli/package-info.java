/** The server's launcher. */
@NullMarked
package org.edgefit.server.cli;

import org.jspecify.annotations.NullMarked;
