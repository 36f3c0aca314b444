r"""Cross entropy of a pair head at the entries that count, without the predictions that do not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from pyg_moleblend.nn.pair_head import PairHead

BLOCK_ELEMENTS: int = 2**18
r"""Numbers of a prediction that are held at a time: 1 MiB in float32, which a core's cache holds."""


def entry_sums(
    head: PairHead, row: Tensor, column: Tensor, owner: Tensor, target: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Weighted sums, over the entries that count, of the cross entropy and of the hits.

    A pair of atoms has P entries of c classes each, ``P * c`` being the head's outputs: the hops of a path. Only those
    first atoms are contracted with an entry's weights that have a pair with this entry. The entries' gradient is
    taken with the loss, a block at a time while the cache holds it: no prediction is kept, none is computed twice.

    The gradient cannot be differentiated once more, and sizes depend on the data: not to be compiled.

    Args:
        head: The head whose outputs are logits.
        row: Row features of S first atoms, ``[S, R]``; see :meth:`PairHead.features`.
        column: Column features of G groups of K second atoms, ``[G, K, Q]``.
        owner: Group of each first atom, ``[S]`` int64.
        target: Class of each entry, ``[S, K, P]`` int64, -1 where not counted.
        weight: Of each pair, ``[S, K]``.

    Returns:
        The sum of the cross entropy, and that of the entries whose class has the largest logit, without gradient.
    """
    with_gradient = torch.is_grad_enabled()
    loss, hits = _EntrySums.apply(row, column, owner, head.weight, head.bias, target, weight, with_gradient)
    return loss, hits


class _EntrySums(Function):
    @staticmethod
    def forward(
        ctx: Any,
        row: Tensor,
        column: Tensor,
        owner: Tensor,
        weights: Tensor,
        biases: Tensor,
        target: Tensor,
        pair_weight: Tensor,
        with_gradient: bool,
    ) -> tuple[Tensor, Tensor]:
        device = row.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weights.dtype
        P, (R, Q) = target.size(2), weights.shape[1:]
        c = len(weights) // P
        by_entry = weights.view(P, c, R, Q).permute(0, 2, 3, 1)  # [P, R, Q, c]
        maps, bias = by_entry.reshape(P, R, Q * c).to(dtype), biases.view(P, c)
        rows, columns, pair_weight = row.to(dtype), column.to(dtype), pair_weight.to(weights.dtype)
        loss, hits = weights.new_zeros(2).unbind()
        gradients = [torch.zeros_like(x, dtype=weights.dtype) for x in (row, column, maps, bias)]
        d_row, d_column, d_maps, d_bias = gradients
        with torch.autocast(device, enabled=False):
            for p in range(P):
                entry_classes = target[..., p].contiguous()  # [S, K]
                counted = entry_classes >= 0
                firsts = counted.any(1).nonzero().squeeze(1)
                for first in firsts.split(max(1, BLOCK_ELEMENTS // (c * max(Q, column.size(1))))):
                    entries = counted[first].view(-1).nonzero().squeeze(1)  # E of them, of s * K
                    group = owner[first]
                    r, q = rows[first], columns[group]  # [s, R], [s, K, Q]
                    contracted = (r @ maps[p]).view(-1, Q, c)
                    products = torch.bmm(q, contracted)  # [s, K, c]
                    logits = products.view(-1, c)[entries].to(weights.dtype).add_(bias[p])  # [E, c]
                    classes = entry_classes[first].view(-1)[entries][:, None]
                    entry_weight = pair_weight[first].view(-1)[entries][:, None]
                    right, top = logits.gather(1, classes), logits.amax(1, keepdim=True)
                    hits += (entry_weight * (right == top)).sum()
                    exponentials = logits.sub_(top).exp_()
                    total = exponentials.sum(1, keepdim=True)
                    loss += (entry_weight * (top + total.log() - right)).sum()
                    if not with_gradient:
                        continue
                    d_logits = exponentials.mul_(entry_weight / total).scatter_add_(1, classes, -entry_weight)
                    d_bias[p] += d_logits.sum(0)
                    d_products = torch.zeros_like(products)
                    d_products.view(-1, c).index_copy_(0, entries, d_logits.to(dtype))
                    d_contracted = torch.bmm(q.transpose(1, 2), d_products).view(-1, Q * c)
                    d_maps[p] += r.t() @ d_contracted
                    d_row.index_add_(0, first, (d_contracted @ maps[p].t()).to(weights.dtype))
                    d_q = torch.bmm(d_products, contracted.transpose(1, 2))
                    d_column.index_add_(0, group, d_q.to(weights.dtype))
        ctx.mark_non_differentiable(hits)
        d_weights = d_maps.view(P, R, Q, c).permute(0, 3, 1, 2).reshape(weights.shape)
        ctx.save_for_backward(d_row.to(row.dtype), d_column.to(column.dtype), d_weights, d_bias.view(-1))
        return loss, hits

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_loss: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        d_row, d_column, d_weights, d_bias = (d_loss.to(saved.dtype) * saved for saved in ctx.saved_tensors)
        return d_row, d_column, None, d_weights, d_bias, None, None, None
