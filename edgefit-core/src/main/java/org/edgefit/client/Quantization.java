package org.edgefit.client;

/**
 * How a client keeps the linear layers of a base model that comes in full precision. A base that is
 * quantised already is kept as it lies.
 */
public enum Quantization {
  /** 4-bit NF4 in blocks of 64, the blocks' scales in 8 bits: bitsandbytes' double quantisation. */
  NF4,
  /** 4-bit NF4 in blocks of 64 with float32 scales. */
  NF4_SINGLE,
  /** Not at all: float32. */
  NONE
}
