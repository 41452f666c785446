# The kernels of training and inference. T is the rows of a batch, H the hidden size, V the vocabulary, I the MLP's
# size, r the rank; ' is the transpose. A name that ends in _ changes its first argument in place. The text is that
# of a TorchScript archive, in which every operator has its ATen name; comments are taken out when it is packed.
class Kernels(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  # What a module must have; nothing calls it.
  def forward(self: __torch__.Kernels, x: Tensor) -> Tensor:
    return x
  # x W', by the library's default product: the small ones of LoRA, always in the same order.
  def plain(self: __torch__.Kernels, x: Tensor, w: Tensor) -> Tensor:
    return torch.mm(x, torch.t(w))
  # Memory of bytes seen as (rows, columns) of another type.
  def view_as(self: __torch__.Kernels, x: Tensor, dtype: int, rows: int, columns: int) -> Tensor:
    empty = torch.new_empty(x, [0], dtype=dtype)
    return torch.set_(empty, x, 0, [rows, columns], [columns, 1])
  # x in a type; x itself if it has it.
  def to_type(self: __torch__.Kernels, x: Tensor, dtype: int) -> Tensor:
    return torch.to(x, dtype)
  # A copy of x in a type.
  def copied(self: __torch__.Kernels, x: Tensor, dtype: int) -> Tensor:
    return torch.to(x, dtype, False, True)
  # table[ids] in float32: (V, H), (T) -> (T, H).
  def embedding(self: __torch__.Kernels, table: Tensor, ids: Tensor) -> Tensor:
    return torch.to(torch.embedding(table, ids), 6)
  # x[index]: (T, n), (m) -> (m, n).
  def rows(self: __torch__.Kernels, x: Tensor, index: Tensor) -> Tensor:
    return torch.index_select(x, 0, index)
  # x[start : start + rows], a view.
  def slice_rows(self: __torch__.Kernels, x: Tensor, start: int, rows: int) -> Tensor:
    return torch.narrow(x, 0, start, rows)
  # x[0, 0], (1, 1) in float32.
  def corner(self: __torch__.Kernels, x: Tensor) -> Tensor:
    return torch.to(torch.narrow(torch.narrow(x, 0, 0, 1), 1, 0, 1), 6)
  # y = x[start : start + rows of y].
  def copy_rows_(self: __torch__.Kernels, y: Tensor, x: Tensor, start: int) -> Tensor:
    return torch.copy_(y, torch.narrow(x, 0, start, torch.size(y, 0)))
  # y[start : start + rows of x] = x.
  def set_rows_(self: __torch__.Kernels, y: Tensor, x: Tensor, start: int) -> Tensor:
    return torch.copy_(torch.narrow(y, 0, start, torch.size(x, 0)), x)
  # x[index] = rows.
  def put_rows_(self: __torch__.Kernels, x: Tensor, index: Tensor, rows: Tensor) -> Tensor:
    return torch.index_copy_(x, 0, index, rows)
  # Zeros in the type of another array.
  def zeros(self: __torch__.Kernels, like: Tensor, rows: int, columns: int) -> Tensor:
    return torch.new_zeros(like, [rows, columns])
  # Memory in the type of another array, with whatever was there.
  def empty(self: __torch__.Kernels, like: Tensor, rows: int, columns: int) -> Tensor:
    return torch.new_empty(like, [rows, columns])
  # The same, in a type.
  def empty_of(self: __torch__.Kernels, like: Tensor, rows: int, columns: int, dtype: int) -> Tensor:
    return torch.new_empty(like, [rows, columns], dtype=dtype)
  # x = value everywhere.
  def fill_(self: __torch__.Kernels, x: Tensor, value: float) -> Tensor:
    return torch.fill_(x, value)
  # y += x.
  def add_(self: __torch__.Kernels, y: Tensor, x: Tensor) -> Tensor:
    return torch.add_(y, x)
  # x + y.
  def sum(self: __torch__.Kernels, x: Tensor, y: Tensor) -> Tensor:
    return torch.add(x, y)
  # y = x.
  def copy_(self: __torch__.Kernels, y: Tensor, x: Tensor) -> Tensor:
    return torch.copy_(y, x)
  # RMS norm of each row (Zhang and Sennrich 2019): y = x r w with r = 1 / sqrt(mean(x^2) + eps).
  # x (T, H), w (H) -> y (T, H) in a type, r (T, 1).
  def rms_norm(self: __torch__.Kernels, x: Tensor, w: Tensor, eps: float, dtype: int) -> Tuple[Tensor, Tensor]:
    norm = torch.linalg_vector_norm(x, 2, [-1], True)
    mean = torch.div(torch.mul(norm, norm), torch.size(x, 1))
    r = torch.rsqrt(torch.add(mean, eps))
    y = torch.mul_(torch.mul(x, r), w)
    return (torch.to(y, dtype), r)
  # The same y from a known r.
  def rms_norm_again(self: __torch__.Kernels, x: Tensor, w: Tensor, r: Tensor, dtype: int) -> Tensor:
    return torch.to(torch.mul_(torch.mul(x, r), w), dtype)
  # dx += g r - x r^3 sum(g x) / H, with g = dy w.
  def rms_norm_backward_(self: __torch__.Kernels, dx: Tensor, dy: Tensor, x: Tensor, w: Tensor, r: Tensor) -> Tensor:
    g = torch.mul(dy, w)
    dot = torch.sum(torch.mul(g, x), [-1], True)
    c = torch.div(torch.mul(dot, torch.pow(r, 3)), torch.size(x, 1))
    _0 = torch.addcmul_(dx, g, r)
    return torch.addcmul_(dx, x, c, value=-1)
  # y = x W': (T, in), (out, in) -> (T, out).
  def linear(self: __torch__.Kernels, x: Tensor, w: Tensor) -> Tensor:
    return (self).matmul(x, w, )
  # y[:, start : start + out] = x W'.
  def linear_part_(self: __torch__.Kernels, y: Tensor, x: Tensor, w: Tensor, start: int) -> Tensor:
    return torch.copy_(torch.narrow(y, 1, start, torch.size(w, 0)), (self).matmul(x, w, ))
  # dx = dy[:, start : start + out] W.
  def linear_backward(self: __torch__.Kernels, dy: Tensor, w: Tensor, start: int) -> Tensor:
    return (self).matmul(torch.narrow(dy, 1, start, torch.size(w, 0)), torch.t(w), )
  # dx[:, start : start + in] = dy W.
  def linear_backward_part_(self: __torch__.Kernels, dx: Tensor, dy: Tensor, w: Tensor, start: int) -> Tensor:
    return torch.copy_(torch.narrow(dx, 1, start, torch.size(w, 1)), (self).matmul(dy, torch.t(w), ))
  # dx += dy[:, start : start + out] W.
  def linear_backward_add_(self: __torch__.Kernels, dx: Tensor, dy: Tensor, w: Tensor, start: int) -> Tensor:
    return torch.add_(dx, (self).matmul(torch.narrow(dy, 1, start, torch.size(w, 0)), torch.t(w), ))
  # dW = dy' x: (T, out), (T, in) -> (out, in). Only the benchmark needs it: weights are frozen.
  def weight_gradient(self: __torch__.Kernels, dy: Tensor, x: Tensor) -> Tensor:
    return (self).plain(torch.t(dy), torch.t(x), )
  # h = x A': (T, in), (r, in) -> (T, r), for all branches of an input at once.
  def lora_down(self: __torch__.Kernels, x: Tensor, a: Tensor) -> Tensor:
    return (self).plain(x, a, )
  # h = (m * x) A', with a mask m of zeros and ones.
  def lora_down_dropout(self: __torch__.Kernels, x: Tensor, mask: Tensor, a: Tensor) -> Tensor:
    return (self).plain(torch.mul(x, mask), a, )
  # y[:, column : column + out] += s h[:, start : start + r] B'; B (out, r).
  def lora_up_(self: __torch__.Kernels, y: Tensor, column: int, p: Tensor, start: int, b: Tensor, scale: float) -> Tensor:
    up = (self).plain(torch.narrow(p, 1, start, torch.size(b, 1)), b, )
    return torch.add_(torch.narrow(y, 1, column, torch.size(b, 0)), up, alpha=scale)
  # dB += s dy' h and dh[:, start : start + r] = s dy B, with the branch's columns of dy and h.
  # dB is made as (h' dy)', which the product with a short side does faster.
  def lora_up_backward_(self: __torch__.Kernels, dp: Tensor, gb: Tensor, dy: Tensor, column: int, p: Tensor, start: int, b: Tensor, scale: float) -> Tensor:
    part = torch.narrow(dy, 1, column, torch.size(b, 0))
    rank = torch.size(b, 1)
    _0 = torch.add_(gb, torch.t((self).plain(torch.t(torch.narrow(p, 1, start, rank)), torch.t(part), )), alpha=scale)
    return torch.mul_(torch.copy_(torch.narrow(dp, 1, start, rank), (self).plain(part, torch.t(b), )), scale)
  # dA += dh' x.
  def lora_down_weight_backward_(self: __torch__.Kernels, ga: Tensor, dp: Tensor, x: Tensor) -> Tensor:
    return torch.add_(ga, (self).plain(torch.t(dp), torch.t(x), ))
  # dA += dh' (m * x).
  def lora_down_weight_dropout_backward_(self: __torch__.Kernels, ga: Tensor, dp: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    return torch.add_(ga, (self).plain(torch.t(dp), torch.t(torch.mul(x, mask)), ))
  # dx += dh A.
  def lora_down_input_backward_(self: __torch__.Kernels, dx: Tensor, dp: Tensor, a: Tensor) -> Tensor:
    return torch.add_(dx, (self).plain(dp, torch.t(a), ))
  # dx += m * (dh A).
  def lora_down_input_dropout_backward_(self: __torch__.Kernels, dx: Tensor, dp: Tensor, a: Tensor, mask: Tensor) -> Tensor:
    return torch.addcmul_(dx, (self).plain(dp, torch.t(a), ), mask)
  # Rotary embedding (Su et al. 2021) in halves: (a, b) -> (a cos - b sin, b cos + a sin) of the first
  # `heads` heads of each row; with sign -1 it turns back, which is its backward pass. cos, sin (T, 1, D / 2).
  def rope_(self: __torch__.Kernels, x: Tensor, heads: int, size: int, cos: Tensor, sin: Tensor, sign: float) -> Tensor:
    half = torch.size(cos, 2)
    rows = torch.size(x, 0)
    x3 = torch.view(torch.narrow(x, 1, 0, torch.mul(heads, size)), [rows, heads, size])
    a = torch.narrow(x3, 2, 0, half)
    b = torch.narrow(x3, 2, half, half)
    c = torch.to(cos, ops.prim.dtype(x))
    s = torch.mul(torch.to(sin, ops.prim.dtype(x)), sign)
    turned = torch.mul(a, s)
    _0 = torch.addcmul_(torch.mul_(a, c), b, s, value=-1)
    return torch.add_(torch.mul_(b, c), turned)
  # A text's queries for the attention: (rows, K G D) -> (K, G, rows, D) in float32. K is the key and value heads,
  # G the query heads that share one of them, D the size of a head.
  def query(self: __torch__.Kernels, x: Tensor, start: int, rows: int, kv: int, group: int, size: int) -> Tensor:
    part = torch.narrow(torch.narrow(x, 0, start, rows), 1, 0, torch.mul(torch.mul(kv, group), size))
    return torch.to(torch.permute(torch.view(part, [rows, kv, group, size]), [1, 2, 0, 3]), 6)
  # Its keys or values from `column` on: (rows, K D) -> (K, G, rows, D), where G is seen and not copied.
  def spread(self: __torch__.Kernels, x: Tensor, start: int, rows: int, column: int, kv: int, group: int, size: int) -> Tensor:
    part = torch.narrow(torch.narrow(x, 0, start, rows), 1, column, torch.mul(kv, size))
    one = torch.to(torch.permute(torch.view(part, [rows, kv, 1, size]), [1, 2, 0, 3]), 6)
    return torch.expand(one, [kv, group, rows, size])
  # Puts the attention of q to k and v into its rows of flat, (T, K G D); the log-sum-exp of the scores comes back.
  def attend_(self: __torch__.Kernels, flat: Tensor, q: Tensor, k: Tensor, v: Tensor, start: int, causal: bool, mask: Optional[Tensor]) -> Tensor:
    o, lse = (self).scaled_dot_product(q, k, v, causal, mask, )
    out = torch.narrow(flat, 0, start, torch.size(q, 2))
    _0 = torch.copy_(torch.view(out, [torch.size(q, 2), torch.size(q, 0), torch.size(q, 1), torch.size(q, 3)]), torch.permute(o, [2, 0, 1, 3]))
    return lse
  # Causal attention within a text: softmax(q k' / sqrt(D)) v (Dao et al. 2022). qkv (T, (K G + 2 K) D).
  def attention_(self: __torch__.Kernels, flat: Tensor, qkv: Tensor, start: int, rows: int, kv: int, group: int, size: int) -> Tensor:
    return (self).attention_any_(flat, qkv, start, rows, kv, group, size, None, )
  # The same, where a mask (1, 1, rows, rows) of 0 and -inf is added to the scores.
  def attention_masked_(self: __torch__.Kernels, flat: Tensor, qkv: Tensor, start: int, rows: int, kv: int, group: int, size: int, mask: Tensor) -> Tensor:
    return (self).attention_any_(flat, qkv, start, rows, kv, group, size, mask, )
  # The one and the other.
  def attention_any_(self: __torch__.Kernels, flat: Tensor, qkv: Tensor, start: int, rows: int, kv: int, group: int, size: int, mask: Optional[Tensor]) -> Tensor:
    width = torch.mul(torch.mul(kv, group), size)
    q = (self).query(qkv, start, rows, kv, group, size, )
    k = (self).spread(qkv, start, rows, width, kv, group, size, )
    v = (self).spread(qkv, start, rows, torch.add(width, torch.mul(kv, size)), kv, group, size, )
    return (self).attend_(flat, q, k, v, start, torch.__is__(mask, None), mask, )
  # The attention of new tokens to those in a cache from `first` on, and to themselves, which join it.
  # cache (capacity, 2 K D): keys, then values; `past` tokens are in it.
  def attention_cached_(self: __torch__.Kernels, flat: Tensor, qkv: Tensor, start: int, rows: int, kv: int, group: int, size: int, cache: Tensor, first: int, past: int) -> Tensor:
    columns = torch.mul(torch.mul(kv, 2), size)
    width = torch.mul(torch.mul(kv, group), size)
    new = torch.narrow(torch.narrow(qkv, 0, start, rows), 1, width, columns)
    _0 = torch.copy_(torch.narrow(cache, 0, past, rows), new)
    seen = torch.sub(torch.add(past, rows), first)
    q = (self).query(qkv, start, rows, kv, group, size, )
    k = (self).spread(cache, first, seen, 0, kv, group, size, )
    v = (self).spread(cache, first, seen, torch.mul(kv, size), kv, group, size, )
    return (self).attend_(flat, q, k, v, start, False, None, )
  # Puts a text's keys and values at the beginning of a cache.
  def cache_rows_(self: __torch__.Kernels, cache: Tensor, qkv: Tensor, start: int, rows: int) -> Tensor:
    columns = torch.size(cache, 1)
    new = torch.narrow(torch.narrow(qkv, 0, start, rows), 1, torch.sub(torch.size(qkv, 1), columns), columns)
    return torch.copy_(torch.narrow(cache, 0, 0, rows), new)
  # The backward pass of attention_: dqkv from d(flat), with what the forward pass gave.
  def attention_backward_(self: __torch__.Kernels, dqkv: Tensor, dflat: Tensor, qkv: Tensor, flat: Tensor, lse: Tensor, start: int, rows: int, kv: int, group: int, size: int) -> Tensor:
    return (self).attention_any_backward_(dqkv, dflat, qkv, flat, lse, start, rows, kv, group, size, None, )
  # The same, with a mask.
  def attention_masked_backward_(self: __torch__.Kernels, dqkv: Tensor, dflat: Tensor, qkv: Tensor, flat: Tensor, lse: Tensor, start: int, rows: int, kv: int, group: int, size: int, mask: Tensor) -> Tensor:
    return (self).attention_any_backward_(dqkv, dflat, qkv, flat, lse, start, rows, kv, group, size, mask, )
  # The one and the other. P = exp(q k' / sqrt(D) - lse) is made again; dv = P' do; dS = P * (do v' - sum(do * o));
  # dq = dS k / sqrt(D); dk = dS' q / sqrt(D). Keys and values sum over the G query heads that share them.
  def attention_any_backward_(self: __torch__.Kernels, dqkv: Tensor, dflat: Tensor, qkv: Tensor, flat: Tensor, lse: Tensor, start: int, rows: int, kv: int, group: int, size: int, mask: Optional[Tensor]) -> Tensor:
    width = torch.mul(torch.mul(kv, group), size)
    keys = torch.mul(kv, size)
    do = (self).query(dflat, start, rows, kv, group, size, )
    o = (self).query(flat, start, rows, kv, group, size, )
    q = (self).query(qkv, start, rows, kv, group, size, )
    k = (self).spread(qkv, start, rows, width, kv, group, size, )
    v = (self).spread(qkv, start, rows, torch.add(width, keys), kv, group, size, )
    dq, dk, dv = (self).scaled_dot_product_backward(do, q, k, v, o, lse, torch.__is__(mask, None), mask, )
    d = torch.narrow(dqkv, 0, start, rows)
    _0 = torch.copy_(torch.view(torch.narrow(d, 1, 0, width), [rows, kv, group, size]), torch.permute(dq, [2, 0, 1, 3]))
    _1 = torch.copy_(torch.view(torch.narrow(d, 1, width, keys), [rows, kv, size]), torch.permute(torch.sum(dk, [1]), [1, 0, 2]))
    return torch.copy_(torch.view(torch.narrow(d, 1, torch.add(width, keys), keys), [rows, kv, size]), torch.permute(torch.sum(dv, [1]), [1, 0, 2]))
  # 0 where row i sees column j, i - window < j <= i, and -inf elsewhere: (1, 1, rows, rows).
  def window_mask(self: __torch__.Kernels, like: Tensor, rows: int, window: int) -> Tensor:
    inf = torch.new_full(like, [rows, rows], -inf)
    before = torch.tril(inf, torch.neg(window))
    return torch.unsqueeze(torch.unsqueeze(torch.add_(torch.triu(inf, 1), before), 0), 0)
  # The rows that are worked on at once, so that they stay in the cache of the processor.
  def rows_near(self: __torch__.Kernels, width: int) -> int:
    return torch.add(torch.floordiv(524288, width), 1)
  # y = silu(g) * u, with (g, u) side by side: (T, 2 I) -> (T, I).
  def silu_mul(self: __torch__.Kernels, gate_up: Tensor) -> Tensor:
    rows = torch.size(gate_up, 0)
    width = torch.floordiv(torch.size(gate_up, 1), 2)
    step = (self).rows_near(width, )
    y = torch.empty([rows, width], dtype=ops.prim.dtype(gate_up), layout=None, device=ops.prim.device(gate_up), pin_memory=False, memory_format=None)
    for i in range(torch.floordiv(torch.add(rows, torch.sub(step, 1)), step)):
      start = torch.mul(i, step)
      count = ops.prim.min(step, torch.sub(rows, start))
      part = torch.narrow(gate_up, 0, start, count)
      silu = torch.silu(torch.narrow(part, 1, 0, width))
      _0 = torch.mul(silu, torch.narrow(part, 1, width, width), out=torch.narrow(y, 0, start, count))
    return y
  # (g, u) become (dy u silu'(g), dy silu(g)).
  def silu_mul_backward_(self: __torch__.Kernels, gate_up: Tensor, dy: Tensor) -> Tensor:
    rows = torch.size(gate_up, 0)
    width = torch.floordiv(torch.size(gate_up, 1), 2)
    step = (self).rows_near(width, )
    for i in range(torch.floordiv(torch.add(rows, torch.sub(step, 1)), step)):
      start = torch.mul(i, step)
      count = ops.prim.min(step, torch.sub(rows, start))
      part = torch.narrow(gate_up, 0, start, count)
      gate = torch.narrow(part, 1, 0, width)
      up = torch.narrow(part, 1, width, width)
      dpart = torch.narrow(dy, 0, start, count)
      d = torch.mul(dpart, up)
      _0 = torch.mul(torch.silu(gate), dpart, out=up)
      _1 = torch.silu_backward(d, gate, grad_input=gate)
    return gate_up
  # log p(label) of each row; all log p(v) are left in logits. (T, V), (T) -> (T).
  def log_likelihoods_(self: __torch__.Kernels, logits: Tensor, labels: Tensor) -> Tensor:
    log_p = torch._log_softmax(logits, -1, False, out=logits)
    return torch.squeeze(torch.gather(log_p, 1, torch.unsqueeze(labels, 1)), 1)
  # The same of a loss scale * sum(-log p(label)), whose gradient scale * (p - onehot) is left in logits.
  def cross_entropy_(self: __torch__.Kernels, logits: Tensor, labels: Tensor, scale: float) -> Tensor:
    log_p = torch._log_softmax(logits, -1, False, out=logits)
    index = torch.unsqueeze(labels, 1)
    chosen = torch.squeeze(torch.gather(log_p, 1, index), 1)
    p = torch.mul_(torch.exp_(log_p), scale)
    minus = torch.new_full(p, [torch.size(labels, 0), 1], torch.neg(scale))
    _0 = torch.scatter_add_(p, 1, index, minus)
    return chosen
