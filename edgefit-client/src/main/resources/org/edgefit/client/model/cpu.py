  def matmul(self: __torch__.Kernels, x: Tensor, w: Tensor) -> Tensor:
    return ops.mkldnn._linear_pointwise(x, w, None, "none", annotate(List[Optional[number]], []), None)
  def scaled_dot_product(self: __torch__.Kernels, q: Tensor, k: Tensor, v: Tensor, causal: bool, mask: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    o, lse = torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0., causal, attn_mask=mask)
    return (o, lse)
  def scaled_dot_product_backward(self: __torch__.Kernels, do: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, lse: Tensor, causal: bool, mask: Optional[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    dq, dk, dv = torch._scaled_dot_product_flash_attention_for_cpu_backward(do, q, k, v, o, lse, 0., causal, attn_mask=mask)
    return (dq, dk, dv)
