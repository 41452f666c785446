/** The client interface of a federation, and its messages. */
@NullMarked
package org.edgefit.client;

import org.jspecify.annotations.NullMarked;
