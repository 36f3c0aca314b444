from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.nn.precision import LayerNorm
from pyg_moleblend.nn.reset import INIT_STD, reset_linear
from pyg_moleblend.runtime.sizes import check_sizes


class PairHead(nn.Module):
    r"""Predicts a vector for every ordered pair of atoms from the outer product of a row and a column feature.

    The published head maps the ``pair_channels²`` features of the outer product linearly (arXiv 2307.06235,
    section 3.2). That is a bilinear form, so the column feature is contracted with the weights first and the
    outer product never exists.

    Args:
        channels (int): C.
        out_channels (int): O.
        pair_channels (int, optional): Width of the row and the column feature. (default: :obj:`32`)

    Shapes:
        - **input:** atom states ``[B, N, C]``
        - **output:** ``[B, N, N, O]``
    """

    def __init__(self, channels: int, out_channels: int, pair_channels: int = 32) -> None:
        super().__init__()
        check_sizes(channels=channels, out_channels=out_channels, pair_channels=pair_channels)
        self.row = nn.Linear(channels, pair_channels)
        self.row_norm = LayerNorm(pair_channels, eps=1e-12)
        self.column = nn.Linear(channels, pair_channels)
        self.column_norm = LayerNorm(pair_channels, eps=1e-12)
        self.weight = nn.Parameter(torch.empty(out_channels, pair_channels, pair_channels))  # [O, row, column]
        self.bias = nn.Parameter(torch.empty(out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for linear, norm in ((self.row, self.row_norm), (self.column, self.column_norm)):
            reset_linear(linear)
            norm.reset_parameters()
        nn.init.normal_(self.weight, std=INIT_STD)
        nn.init.zeros_(self.bias)

    def __repr__(self) -> str:
        channels, pair_channels = self.row.in_features, self.row.out_features
        return f"{self.__class__.__name__}({channels}, {self.bias.numel()}, pair_channels={pair_channels})"

    def forward(self, atoms: Tensor) -> Tensor:
        return self.rows(*self.contract(atoms))

    def contract(self, atoms: Tensor) -> tuple[Tensor, Tensor]:
        r"""Row features ``[B, N, R]``, and the column features contracted with the weights, ``[B, R, N * O]``."""
        B, N, _ = atoms.shape
        out, R, Q = self.weight.shape
        row = self.row_norm(F.gelu(self.row(atoms)))
        column = self.column_norm(F.gelu(self.column(atoms)))  # [B, N, Q]
        contracted = column @ self.weight.permute(2, 1, 0).reshape(Q, R * out)  # [B, N, R * O]
        return row, contracted.view(B, N, R, out).transpose(1, 2).reshape(B, R, N * out)

    def grid(self, atoms: Tensor, first: Tensor, second: Tensor) -> Tensor:
        r"""Predictions ``[B, r, k, O]`` for some pairs of each molecule: r first atoms, and k second atoms for each.

        A first atom is contracted with the weights once for all its pairs; that costs as much as ``pair_channels``
        pairs.

        Args:
            atoms: Atom states, ``[B, N, C]``.
            first: Numbers of the first atoms, ``[B, r]`` int64.
            second: Numbers of the second atoms, ``[B, r, k]`` int64.
        """
        out, R, Q = self.weight.shape
        B, r, k = second.shape
        row = self.row_norm(F.gelu(self.row(atoms)))
        column = self.column_norm(F.gelu(self.column(atoms)))
        row = row.gather(1, first[..., None].expand(-1, -1, R))  # [B, r, R]
        column = column.gather(1, second.view(B, r * k, 1).expand(-1, -1, Q))  # [B, r * k, Q]
        contracted = row.view(B * r, R) @ self.weight.permute(1, 2, 0).reshape(R, Q * out)
        found = torch.bmm(column.view(B * r, k, Q), contracted.view(B * r, Q, out))
        return found.view(B, r, k, out) + self.bias

    def rows(self, row: Tensor, contracted: Tensor) -> Tensor:
        r"""Predictions ``[B, n, N, O]`` for the pairs of the n atoms whose row features are given."""
        B, n, _ = row.shape
        return torch.bmm(row, contracted).view(B, n, -1, self.bias.numel()) + self.bias
