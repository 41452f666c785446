package org.edgefit.format.safetensors;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The element types of safetensors files. */
public enum TensorType {
  /** One byte, 0 or 1. */
  BOOL(1),
  /** Unsigned bytes; also packed 4-bit codes. */
  U8(1),
  /** Signed bytes. */
  I8(1),
  /** 8-bit floats with 5 bits of exponent. */
  F8_E5M2(1),
  /** 8-bit floats with 4 bits of exponent. */
  F8_E4M3(1),
  /** 16-bit integers. */
  I16(2),
  /** Unsigned 16-bit integers. */
  U16(2),
  /** IEEE half precision. */
  F16(2),
  /** The upper half of an IEEE single. */
  BF16(2),
  /** 32-bit integers. */
  I32(4),
  /** Unsigned 32-bit integers. */
  U32(4),
  /** IEEE single precision. */
  F32(4),
  /** 64-bit integers. */
  I64(8),
  /** Unsigned 64-bit integers. */
  U64(8),
  /** IEEE double precision. */
  F64(8);

  private final int bytes;

  TensorType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** Returns the type's name as Hugging Face's configurations spell it, for example bfloat16. */
  public String torchName() {
    return switch (this) {
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      case F32 -> "float32";
      case F64 -> "float64";
      case U8 -> "uint8";
      default -> name().toLowerCase(Locale.ROOT);
    };
  }

  static @Nullable TensorType byName(String name) {
    for (TensorType type : values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    return null;
  }
}
