r"""One of several conformers a molecule, another one in every epoch."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from pyg_moleblend.runtime.seeds import derived_seed

_ODD = (-7046029254386353131, -4658895280553007687, -7723592293110705685)  # SplitMix64's, as int64


def draw_conformers(batch: Any, seed: int, epoch: int) -> Any:
    r"""The batch with ``pos`` one of its ``conformers``, and without these.

    The draw follows from the seed, the epoch and the molecule's ``row`` alone, not from the batch, the process or the
    device, and so is the same in a run that was resumed. It is made on the batch's device.

    Args:
        batch: Molecules with ``conformers`` ``[ΣN, K, 3]`` in Å, NaN where one is missing, and ``row`` ``[B]``; a
            batch without conformers is given back as it is.
        seed: The run's seed.
        epoch: The epoch.

    Raises:
        ValueError: If the molecules have conformers but no row.
    """
    if "conformers" not in batch:
        return batch
    if "row" not in batch:
        raise ValueError("conformers are drawn by `row`, int64 [1] of each molecule, and the batch has none")
    there = conformers_there(batch)  # [B, K]
    chosen = hashed(derived_seed(seed, epoch), batch.row) % there.sum(1).clamp(min=1)  # [B]
    return with_conformer(batch, (there.cumsum(1) > chosen[:, None]).to(torch.uint8).argmax(1))


def conformers_there(batch: Any) -> Tensor:
    r"""Which conformers each molecule of a batch has, ``[B, K]`` bool."""
    conformers = batch.conformers
    missing = torch.isnan(conformers).any(-1)  # [ΣN, K]
    counts = missing.new_zeros((batch.num_graphs, missing.size(1)), dtype=torch.long)
    return counts.index_add(0, batch.batch, missing.long()) == 0


def with_conformer(batch: Any, chosen: Tensor) -> Any:
    r"""A batch whose ``pos`` is, for each molecule, the conformer of this number, ``[B]`` int64; it has no others."""
    batch = copy.copy(batch)
    conformers = batch.conformers
    atoms = torch.arange(len(conformers), device=conformers.device)
    batch.pos = conformers[atoms, chosen[batch.batch]]
    del batch.conformers
    return batch


def hashed(seed: int, numbers: Tensor) -> Tensor:
    r"""A number from 0 to 2⁶³ - 1 for each number, by SplitMix64 (Steele et al. 2014, doi:10.1145/2714064.2660195).

    Args:
        seed: 0 to 2⁶³ - 1.
        numbers: int64, of any shape.
    """
    x = (numbers.long() + 1) * _ODD[0] + seed  # wraps around, as it is meant to
    x = (x ^ _shifted(x, 30)) * _ODD[1]
    x = (x ^ _shifted(x, 27)) * _ODD[2]
    return _shifted(x ^ _shifted(x, 31), 1)


def _shifted(x: Tensor, bits: int) -> Tensor:
    # The shift of unsigned integers: `>>` alone would copy the sign.
    return (x >> bits) & ((1 << (64 - bits)) - 1)
