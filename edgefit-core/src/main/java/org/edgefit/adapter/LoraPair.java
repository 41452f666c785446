package org.edgefit.adapter;

/**
 * The LoRA tensors of one linear layer: A of shape (rank, inputs), B of shape (outputs, rank).
 *
 * @param layer the adapted layer
 * @param a the index of A among the layout's tensors
 * @param b the index of B among the layout's tensors
 * @param rank the inner dimension r
 */
public record LoraPair(LinearSpec layer, int a, int b, int rank) {}
