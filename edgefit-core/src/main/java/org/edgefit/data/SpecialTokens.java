package org.edgefit.data;

/**
 * The texts of a tokenizer's special tokens.
 *
 * @param bos what starts a text; empty if the tokenizer has none
 * @param eos what ends a text; empty if the tokenizer has none
 */
public record SpecialTokens(String bos, String eos) {}
