from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.nn.backward import run
from pyg_moleblend.nn.reset import reset_linear


class MultiHeadAttention(nn.Module):
    r"""Self-attention with an additive bias for each head and pair of tokens.

    Args:
        channels (int): C.
        heads (int): H, a divisor of C.
        dropout (float, optional): Probability with which an attention weight is dropped in training.
            (default: :obj:`0.0`)

    Shapes:
        - **input:** tokens ``[B, T, C]``, bias ``[B, H, T, T]`` (``-inf`` shuts a key out)
        - **output:** ``[B, T, C]``
    """

    def __init__(self, channels: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"`channels` must be divisible by `heads`, got {channels} and {heads}")
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        reset_linear(self.qkv)
        reset_linear(self.out)

    def forward(self, x: Tensor, bias: Tensor, activation_checkpointing: bool = False) -> Tensor:
        r"""The output; with ``activation_checkpointing`` the attention is computed again in the backward pass."""
        return run(self._mix, self.qkv(x), bias, activation_checkpointing=activation_checkpointing)

    def __repr__(self) -> str:
        channels = self.out.out_features
        return f"{self.__class__.__name__}({channels}, heads={self.heads}, dropout={self.dropout})"

    def _mix(self, qkv: Tensor, bias: Tensor) -> Tensor:
        B, T, C = *qkv.shape[:2], qkv.shape[2] // 3
        query, key, value = qkv.view(B, T, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, bias.to(query.dtype), dropout)
        return self.out(mixed.transpose(1, 2).reshape(B, T, C))
