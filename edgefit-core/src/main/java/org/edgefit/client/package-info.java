/** A client as a federation sees it, and the messages that it answers. */
@NullMarked
package org.edgefit.client;

import org.jspecify.annotations.NullMarked;
