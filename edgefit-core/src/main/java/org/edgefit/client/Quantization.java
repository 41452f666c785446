package org.edgefit.client;

/**
 * How a client stores a full-precision base model's linear layers. A base that is already quantised
 * is used as is.
 */
public enum Quantization {
  /** 4-bit NF4 in blocks of 64, the blocks' scales in 8 bits: bitsandbytes' double quantisation. */
  NF4,
  /** 4-bit NF4 in blocks of 64 with float32 scales. */
  NF4_SINGLE,
  /** Not at all: float32. */
  NONE
}
