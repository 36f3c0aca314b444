from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.nn.precision import full_precision
from pyg_moleblend.nn.reset import INIT_STD, reset_linear


class DenoisingHead(nn.Module):
    r"""Predicts a vector for each atom: attention whose weights are multiplied by the directions to the other
    atoms (arXiv 2210.01765, section 3; from Graphormer's 3D model).

    Args:
        channels (int): C.
        heads (int): H, a divisor of C.
        dropout (float, optional): Dropout probability of the attention weights. (default: :obj:`0.1`)

    Shapes:
        - **input:** atom states ``[B, N, C]``, bias of the atoms ``[B, H, N, N]``, coordinates in Å ``[B, N, 3]``
        - **output:** ``[B, N, 3]``
    """

    def __init__(self, channels: int, heads: int, dropout: float = 0.1) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"`channels` must be divisible by `heads`, got {channels} and {heads}")
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(channels, 3 * channels)
        self.axes = nn.Parameter(torch.empty(3, channels))
        self.bias = nn.Parameter(torch.empty(3))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        reset_linear(self.qkv)
        nn.init.normal_(self.axes, std=INIT_STD)
        nn.init.zeros_(self.bias)

    def __repr__(self) -> str:
        channels = self.qkv.in_features
        return f"{self.__class__.__name__}({channels}, heads={self.heads}, dropout={self.dropout})"

    def forward(self, atoms: Tensor, bias: Tensor, pos: Tensor) -> Tensor:
        B, N, C = atoms.shape
        if bias.size(1) not in (1, self.heads):
            raise ValueError(f"denoising was built for heads={self.heads}, its encoder has {bias.size(1)}")
        D = C // self.heads
        query, key, value = self.qkv(atoms).view(B, N, 3, self.heads, D).permute(2, 0, 3, 1, 4)
        scores = full_precision(query * D**-0.5 @ key.transpose(-1, -2)) + full_precision(bias)
        weights = F.dropout(scores.softmax(-1), self.dropout, self.training)  # [B, H, N, N]
        # The projection to a number an axis is linear in the values, so it is taken before the sum over atoms.
        axes = self.axes.view(3, self.heads, D).transpose(0, 1)  # [H, 3, D]
        strength = full_precision(value @ axes.transpose(-1, -2).to(value.dtype))  # [B, H, N, 3]
        pushed = torch.einsum("bhij,bhja->bija", weights, strength)
        displacement = (pos[:, None, :, :] - pos[:, :, None, :]).to(pushed.dtype)
        direction = displacement / (pair_distances(pos).to(pushed.dtype)[..., None] + 1e-5)
        return (pushed * direction).sum(2) + self.bias
