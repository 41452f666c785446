/** Conversion between protobuf messages and core values. */
@NullMarked
package org.edgefit.proto.codec;

import org.jspecify.annotations.NullMarked;
