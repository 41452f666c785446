class Kernels(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.Kernels, x: Tensor) -> Tensor:
    return x
  def embedding(self: __torch__.Kernels, table: Tensor, ids: Tensor) -> Tensor:
    return torch.embedding(table, ids)
  def rows(self: __torch__.Kernels, x: Tensor, index: Tensor) -> Tensor:
    return torch.index_select(x, 0, index)
  def slice_rows(self: __torch__.Kernels, x: Tensor, start: int, rows: int) -> Tensor:
    return torch.narrow(x, 0, start, rows)
  def put_rows_(self: __torch__.Kernels, x: Tensor, index: Tensor, rows: Tensor) -> Tensor:
    return torch.index_copy_(x, 0, index, rows)
  def rms_norm(self: __torch__.Kernels, x: Tensor, w: Tensor, eps: float) -> Tuple[Tensor, Tensor]:
    norm = torch.linalg_vector_norm(x, 2, [-1], True)
    mean = torch.div(torch.mul(norm, norm), torch.size(x, 1))
    r = torch.rsqrt(torch.add(mean, eps))
    y = torch.mul_(torch.mul(x, r), w)
    return (y, r)
  def rms_norm_again(self: __torch__.Kernels, x: Tensor, w: Tensor, r: Tensor) -> Tensor:
    return torch.mul_(torch.mul(x, r), w)
  def rms_norm_backward_(self: __torch__.Kernels, dx: Tensor, dy: Tensor, x: Tensor, w: Tensor, r: Tensor) -> Tensor:
    g = torch.mul(dy, w)
    dot = torch.sum(torch.mul(g, x), [-1], True)
    c = torch.div(torch.mul(dot, torch.pow(r, 3)), torch.size(x, 1))
    _0 = torch.addcmul_(dx, g, r)
    return torch.addcmul_(dx, x, c, value=-1)
  def linear(self: __torch__.Kernels, x: Tensor, w: Tensor) -> Tensor:
    return torch.mm(x, torch.t(w))
  def linear_backward(self: __torch__.Kernels, dy: Tensor, w: Tensor) -> Tensor:
    return torch.mm(dy, w)
  def linear_backward_add_(self: __torch__.Kernels, dx: Tensor, dy: Tensor, w: Tensor) -> Tensor:
    return torch.addmm_(dx, dy, w)
  def lora_down(self: __torch__.Kernels, x: Tensor, a: Tensor) -> Tensor:
    return torch.mm(x, torch.t(a))
  def lora_down_dropout(self: __torch__.Kernels, x: Tensor, mask: Tensor, a: Tensor) -> Tensor:
    return torch.mm(torch.mul(x, mask), torch.t(a))
  def lora_up_(self: __torch__.Kernels, y: Tensor, p: Tensor, start: int, rank: int, b: Tensor, scale: float) -> Tensor:
    return torch.addmm_(y, torch.narrow(p, 1, start, rank), torch.t(b), alpha=scale)
  def lora_up_backward_(self: __torch__.Kernels, dp: Tensor, gb: Tensor, dy: Tensor, p: Tensor, start: int, rank: int, b: Tensor, scale: float) -> Tensor:
    _0 = torch.addmm_(gb, torch.t(dy), torch.narrow(p, 1, start, rank), alpha=scale)
    part = torch.mul_(torch.mm(dy, b), scale)
    return torch.copy_(torch.narrow(dp, 1, start, rank), part)
  def lora_down_weight_backward_(self: __torch__.Kernels, ga: Tensor, dp: Tensor, x: Tensor) -> Tensor:
    return torch.addmm_(ga, torch.t(dp), x)
  def lora_down_weight_dropout_backward_(self: __torch__.Kernels, ga: Tensor, dp: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    return torch.addmm_(ga, torch.t(dp), torch.mul(x, mask))
  def lora_down_input_backward_(self: __torch__.Kernels, dx: Tensor, dp: Tensor, a: Tensor) -> Tensor:
    return torch.addmm_(dx, dp, a)
  def lora_down_input_dropout_backward_(self: __torch__.Kernels, dx: Tensor, dp: Tensor, a: Tensor, mask: Tensor) -> Tensor:
    return torch.addcmul_(dx, torch.mm(dp, a), mask)
  def zeros(self: __torch__.Kernels, rows: int, columns: int) -> Tensor:
    return torch.zeros([rows, columns], dtype=6, layout=None, device=torch.device("cpu"), pin_memory=False)
  def rope(self: __torch__.Kernels, x: Tensor, batch: int, heads: int, cos: Tensor, sin: Tensor) -> Tensor:
    half = torch.floordiv(torch.size(cos, 1), 2)
    x4 = torch.transpose(torch.reshape(x, [batch, torch.size(cos, 0), heads, torch.size(cos, 1)]), 1, 2)
    y = torch.mul(x4, cos)
    return torch.addcmul_(y, torch.roll(x4, [half], [-1]), sin)
  def rope_backward(self: __torch__.Kernels, dy: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = torch.floordiv(torch.size(cos, 1), 2)
    dx = torch.mul(dy, cos)
    dx0 = torch.add_(dx, torch.roll(torch.mul(dy, sin), [half], [-1]))
    rows = torch.mul(torch.size(dy, 0), torch.size(dy, 2))
    return torch.reshape(torch.transpose(dx0, 1, 2), [rows, torch.mul(torch.size(dy, 1), torch.size(dy, 3))])
  def attention(self: __torch__.Kernels, q: Tensor, k: Tensor, v: Tensor, group: int, causal: bool) -> Tuple[Tensor, Tensor, Tensor]:
    k0 = torch.repeat_interleave(k, group, 1)
    v0 = torch.repeat_interleave(v, group, 1)
    o, lse = torch._scaled_dot_product_flash_attention_for_cpu(q, k0, v0, 0., causal)
    rows = torch.mul(torch.size(q, 0), torch.size(q, 2))
    flat = torch.reshape(torch.transpose(o, 1, 2), [rows, torch.mul(torch.size(q, 1), torch.size(q, 3))])
    return (flat, o, lse)
  def attention_masked(self: __torch__.Kernels, q: Tensor, k: Tensor, v: Tensor, group: int, mask: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    k0 = torch.repeat_interleave(k, group, 1)
    v0 = torch.repeat_interleave(v, group, 1)
    o, lse = torch._scaled_dot_product_flash_attention_for_cpu(q, k0, v0, 0., False, attn_mask=mask)
    rows = torch.mul(torch.size(q, 0), torch.size(q, 2))
    flat = torch.reshape(torch.transpose(o, 1, 2), [rows, torch.mul(torch.size(q, 1), torch.size(q, 3))])
    return (flat, o, lse)
  def append(self: __torch__.Kernels, past: Tensor, new: Tensor) -> Tensor:
    return torch.cat([past, new], 2)
  def copy(self: __torch__.Kernels, x: Tensor) -> Tensor:
    return torch.clone(x)
  def attention_backward(self: __torch__.Kernels, dflat: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, lse: Tensor, group: int) -> Tuple[Tensor, Tensor, Tensor]:
    batch = torch.size(q, 0)
    heads = torch.size(q, 1)
    length = torch.size(q, 2)
    size = torch.size(q, 3)
    kv = torch.size(k, 1)
    do = torch.transpose(torch.reshape(dflat, [batch, length, heads, size]), 1, 2)
    k0 = torch.repeat_interleave(k, group, 1)
    v0 = torch.repeat_interleave(v, group, 1)
    dq, dk0, dv0 = torch._scaled_dot_product_flash_attention_for_cpu_backward(do, q, k0, v0, o, lse, 0., True)
    dk = torch.sum(torch.reshape(dk0, [batch, kv, group, length, size]), [2], False)
    dv = torch.sum(torch.reshape(dv0, [batch, kv, group, length, size]), [2], False)
    dv1 = torch.reshape(torch.transpose(dv, 1, 2), [torch.mul(batch, length), torch.mul(kv, size)])
    return (dq, dk, dv1)
  def heads(self: __torch__.Kernels, x: Tensor, batch: int, heads: int) -> Tensor:
    size = torch.floordiv(torch.size(x, 1), heads)
    length = torch.floordiv(torch.size(x, 0), batch)
    return torch.transpose(torch.reshape(x, [batch, length, heads, size]), 1, 2)
  def silu_mul(self: __torch__.Kernels, gate: Tensor, up: Tensor) -> Tensor:
    return torch.mul_(torch.silu(gate), up)
  def silu_mul_backward(self: __torch__.Kernels, dy: Tensor, gate: Tensor, up: Tensor) -> Tuple[Tensor, Tensor]:
    dup = torch.mul_(torch.silu(gate), dy)
    dgate = torch.silu_backward(torch.mul(dy, up), gate)
    return (dgate, dup)
  def add_(self: __torch__.Kernels, y: Tensor, x: Tensor) -> Tensor:
    return torch.add_(y, x)
  def log_likelihoods(self: __torch__.Kernels, h: Tensor, table: Tensor, labels: Tensor) -> Tensor:
    logits = torch.mm(h, torch.t(table))
    log_p = torch._log_softmax(logits, -1, False, out=logits)
    return torch.squeeze(torch.gather(log_p, 1, torch.unsqueeze(labels, 1)), 1)
  def cross_entropy(self: __torch__.Kernels, h: Tensor, table: Tensor, labels: Tensor, scale: float) -> Tuple[Tensor, Tensor]:
    logits = torch.mm(h, torch.t(table))
    log_p = torch._log_softmax(logits, -1, False, out=logits)
    index = torch.unsqueeze(labels, 1)
    chosen = torch.squeeze(torch.gather(log_p, 1, index), 1)
    p = torch.exp_(log_p)
    minus = torch.full([torch.size(labels, 0), 1], -1., dtype=6, layout=None, device=torch.device("cpu"), pin_memory=False)
    d = torch.scatter_add_(p, 1, index, minus)
    dh = torch.mul_(torch.mm(d, table), scale)
    return (chosen, dh)
  def argmax(self: __torch__.Kernels, x: Tensor) -> Tensor:
    return torch.argmax(x, -1)
