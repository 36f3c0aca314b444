from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

# torch 2.6 does not tell an export from a compilation.
_exporting: Callable[[], bool] = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)


def sum_of_rows(rows: Tensor, table: Tensor) -> Tensor:
    r"""The sum of some rows of a table.

    Args:
        rows: Numbers of the rows, ``[..., K]`` int64.
        table: ``[R, C]``.

    Returns:
        ``[..., C]``.
    """
    if _exporting():  # ONNX has no bags: they would become a loop over all pairs of atoms
        first, *others = (F.embedding(row, table) for row in rows.unbind(-1))
        return sum(others, start=first)
    shape = rows.shape[:-1]
    return F.embedding_bag(rows.reshape(-1, rows.size(-1)), table, mode="sum").view(*shape, -1)
