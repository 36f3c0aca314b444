from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data


def pairs_fit_bonds(batch: Data, classes: Tensor | None, index: Tensor | None, counts: Tensor) -> Tensor | None:
    r"""Whether the pair fields of a batch belong to its bonds, a bool on its device that nobody has waited for.

    A shortest path of one hop is a bond. So where the pairs with ``spd`` 1 are those that are bonded, and the paths of
    one hop hold the bonds' classes, the fields were computed for this very graph, its atoms in this order: all their
    other entries follow. Paths that were cut after their first hop (P = 1) are only looked at where there is a bond.

    Args:
        batch: The batch.
        classes: Class of each bond, uint8 ``[ΣE]``; ``None`` where the bonds have none.
        index: Molecule of each atom, ``[ΣN]``; ``None`` is one molecule.
        counts: Atoms of each molecule, ``[B]``. That a field has a row for each pair is for the caller to see to.
    """
    if batch.edge_index is None or ("spd" not in batch and "bond_path" not in batch):
        return None
    source, target = batch.edge_index.long()
    molecule = torch.zeros_like(source) if index is None else index[source]
    squares = counts * counts
    local = torch.stack([source, target]) - (counts.cumsum(0) - counts)[molecule]  # [2, ΣE]
    size = counts[molecule]
    fits = ((local >= 0) & (local < size)).all()
    total = len(batch.spd if "spd" in batch else batch.bond_path)
    place = ((squares.cumsum(0) - squares)[molecule] + local[0] * size + local[1]).clamp(0, max(total - 1, 0))
    known = torch.ones_like(source, dtype=torch.uint8) if classes is None else classes
    bonds = known.new_zeros(total).scatter(0, place, known.masked_fill(source == target, 0))  # [ΣN²]
    if "spd" in batch:
        fits = fits & ((batch.spd == 1) == (bonds > 0)).all()
    if "bond_path" in batch and classes is not None and batch.bond_path.dim() == 2 and batch.bond_path.size(1):
        if len(batch.bond_path) != total:
            return torch.zeros_like(fits)
        first = batch.bond_path[:, 0]
        ends = batch.bond_path[:, 1] == 0 if batch.bond_path.size(1) > 1 else bonds > 0
        fits = fits & (first.masked_fill(~ends, 0) == bonds).all()
    return fits
