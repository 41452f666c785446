package org.edgefit.data;

/**
 * The texts of a tokenizer's special tokens.
 *
 * @param bos the BOS token; empty if the tokenizer has none
 * @param eos the EOS token; empty if the tokenizer has none
 */
public record SpecialTokens(String bos, String eos) {}
