from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.utils.dense import check_pair_count


def pairs_fit_bonds(
    batch: Data, classes: Tensor | None, index: Tensor | None, counts: Tensor, wanted: Iterable[str]
) -> Tensor | None:
    r"""Whether the pair fields of a batch belong to its bonds, a bool on its device that nobody has waited for.

    A shortest path of one hop is a bond. So where all bonds have ``spd`` 1 (and their class as first hop of
    ``bond_path``) and no other pair has, the field was computed for this very graph, its atoms in this order: all its
    other entries follow. That costs a look-up a bond.

    Args:
        batch: The batch.
        classes: Class of each bond, uint8 ``[ΣE]``; ``None`` where the bonds have none.
        index: Molecule of each atom, ``[ΣN]``; ``None`` is one molecule.
        counts: Atoms of each molecule, ``[B]``.
        wanted: Names of the pair fields that are to be used.

    Raises:
        ValueError: If a field has not one row for each pair.
    """
    for name in wanted:
        if name in batch:
            check_pair_count(name, batch[name], counts)
    if batch.edge_index is None or ("spd" not in batch and "bond_path" not in batch):
        return None
    source, target = batch.edge_index.long()
    molecule = torch.zeros_like(source) if index is None else index[source]
    squares = counts * counts
    local = torch.stack([source, target]) - (counts.cumsum(0) - counts)[molecule]  # [2, ΣE]
    size = counts[molecule]
    inside = ((local >= 0) & (local < size)).all()
    place = (squares.cumsum(0) - squares)[molecule] + local[0] * size + local[1]
    bonded = source != target
    fits = inside
    if "spd" in batch:
        spd = batch.spd
        at_bonds = spd[place.clamp(0, max(len(spd) - 1, 0))]
        fits = fits & ((at_bonds == 1) | ~bonded).all() & ((spd == 1).sum() <= bonded.sum())
    if "bond_path" in batch and classes is not None:
        first = batch.bond_path[:, 0]
        at_bonds = first[place.clamp(0, max(len(first) - 1, 0))]
        fits = fits & ((at_bonds == classes) | ~bonded).all()
    return fits
