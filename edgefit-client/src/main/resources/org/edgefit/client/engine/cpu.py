# What kernels.py needs of a CPU, in operators that the CPU alone has.
  # x W', by oneDNN, which multiplies float32 at 1.1 to 2.4 times the speed of the library's default.
  def matmul(self: __torch__.Kernels, x: Tensor, w: Tensor) -> Tensor:
    return ops.mkldnn._linear_pointwise(x, w, None, "none", annotate(List[Optional[number]], []), None)
  # softmax(q k' / sqrt(D)) v, and the log-sum-exp of the scores, in one pass that keeps no scores.
  def scaled_dot_product(self: __torch__.Kernels, q: Tensor, k: Tensor, v: Tensor, causal: bool, mask: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    o, lse = torch._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0., causal, attn_mask=mask)
    return (o, lse)
  # dq, dk, dv, from what the forward pass gave.
  def scaled_dot_product_backward(self: __torch__.Kernels, do: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, lse: Tensor, causal: bool, mask: Optional[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    dq, dk, dv = torch._scaled_dot_product_flash_attention_for_cpu_backward(do, q, k, v, o, lse, 0., causal, attn_mask=mask)
    return (dq, dk, dv)
