/** The one place that knows both the wire's messages and core values. */
@NullMarked
package org.edgefit.proto.codec;

import org.jspecify.annotations.NullMarked;
