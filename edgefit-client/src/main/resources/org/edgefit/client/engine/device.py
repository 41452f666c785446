# What kernels.py needs of a device, in operators that every device has, and what Java does on the CPU.
  # x W', by the product that all devices have.
  def matmul(self: __torch__.Kernels, x: Tensor, w: Tensor) -> Tensor:
    return (self).plain(x, w, )
  # q k' / sqrt(D) and what hides tokens: (K, G, rows, D), (K, G, seen, D) -> (K, G, rows, seen).
  def scores(self: __torch__.Kernels, q: Tensor, k: Tensor, causal: bool, mask: Optional[Tensor]) -> Tensor:
    s = torch.mul(torch.matmul(q, torch.transpose(k, -2, -1)), torch.pow(torch.size(q, -1), -0.5))
    if causal:
      hidden = torch.triu(torch.new_full(s, [torch.size(s, -2), torch.size(s, -1)], -inf), 1)
      s0 = torch.add_(s, hidden)
    else:
      s0 = s
    if torch.__isnot__(mask, None):
      s1 = torch.add_(s0, unchecked_cast(Tensor, mask))
    else:
      s1 = s0
    return s1
  # softmax(scores) v, and the log-sum-exp of the scores, (K, G, rows).
  def scaled_dot_product(self: __torch__.Kernels, q: Tensor, k: Tensor, v: Tensor, causal: bool, mask: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
    s = (self).scores(q, k, causal, mask, )
    lse = torch.logsumexp(s, [-1], True)
    p = torch.exp_(torch.sub_(s, lse))
    return (torch.matmul(p, v), torch.squeeze(lse, -1))
  # dq, dk, dv; the formula is at attention_any_backward_.
  def scaled_dot_product_backward(self: __torch__.Kernels, do: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, lse: Tensor, causal: bool, mask: Optional[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    s = (self).scores(q, k, causal, mask, )
    p = torch.exp_(torch.sub_(s, torch.unsqueeze(lse, -1)))
    dv = torch.matmul(torch.transpose(p, -2, -1), do)
    dp = torch.matmul(do, torch.transpose(v, -2, -1))
    ds = torch.mul_(torch.sub_(dp, torch.sum(torch.mul(do, o), [-1], True)), p)
    ds0 = torch.mul_(ds, torch.pow(torch.size(q, -1), -0.5))
    return (torch.matmul(ds0, k), torch.matmul(torch.transpose(ds0, -2, -1), q), dv)
  # Scales of blocks from their 8-bit codes: map[code] absmax[block / 256] + offset (Dettmers et al. 2023, section 3).
  def nested_scales(self: __torch__.Kernels, codes: Tensor, absmax: Tensor, map: Tensor, offset: float, first: int, blocks: int) -> Tensor:
    index = torch.__and__(torch.to(torch.narrow(codes, 0, first, blocks), 3), 255)
    begin = torch.floordiv(first, 256)
    end = torch.floordiv(torch.add(first, torch.add(blocks, 255)), 256)
    spread = torch.repeat_interleave(torch.narrow(absmax, 0, begin, torch.sub(end, begin)), 256)
    scale = torch.narrow(spread, 0, torch.sub(first, torch.mul(begin, 256)), blocks)
    return torch.add(torch.mul(torch.index_select(map, 0, index), scale), offset)
  # Rows of a weight from blocks of 64 NF4 codes: levels[code] scale, from the value `skip` on.
  def nf4_rows(self: __torch__.Kernels, packed: Tensor, scales: Tensor, levels: Tensor, skip: int, rows: int, columns: int, dtype: int) -> Tensor:
    codes = torch.to(torch.stack([torch.__rshift__(packed, 4), packed], 2), 3)
    values = torch.index_select(levels, 0, torch.flatten(torch.__and__(codes, 15)))
    scaled = torch.mul(torch.view(values, [torch.size(packed, 0), 64]), torch.unsqueeze(scales, 1))
    part = torch.narrow(torch.flatten(scaled), 0, skip, torch.mul(rows, columns))
    return torch.to(torch.view(part, [rows, columns]), dtype)
  # Draws 1 to `draws` of SplitMix64 (Steele, Lea, Flood 2014), as Dropout makes them in Java.
  def splitmix64(self: __torch__.Kernels, like: Tensor, seed: int, draws: int) -> Tensor:
    index = torch.arange(1, torch.add(draws, 1), dtype=4, layout=None, device=ops.prim.device(like), pin_memory=False)
    a = torch.add(torch.mul(index, -7046029254386353131), seed)
    b = torch.mul((self).mix(a, 30, 17179869183, ), -4658895280553007687)
    c = torch.mul((self).mix(b, 27, 137438953471, ), -7723592293110705685)
    return (self).mix(c, 31, 8589934591, )
  # x ^ (x >>> shift); the mask clears what the sign brings in.
  def mix(self: __torch__.Kernels, x: Tensor, shift: int, mask: int) -> Tensor:
    return torch.__xor__(x, torch.__and__(torch.__rshift__(x, shift), mask))
  # A mask of zeros and ones: four elements to a draw, each dropped if its 16 bits are below the threshold.
  def dropout_mask(self: __torch__.Kernels, like: Tensor, seed: int, rows: int, columns: int, threshold: int, dtype: int) -> Tensor:
    elements = torch.mul(rows, columns)
    bits = (self).splitmix64(like, seed, torch.floordiv(torch.add(elements, 3), 4), )
    lanes = torch.stack([bits, torch.__rshift__(bits, 16), torch.__rshift__(bits, 32), torch.__rshift__(bits, 48)], 1)
    kept = torch.ge(torch.__and__(torch.flatten(lanes), 65535), threshold)
    return torch.view(torch.to(torch.narrow(kept, 0, 0, elements), dtype), [rows, columns])
