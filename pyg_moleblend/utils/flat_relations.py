from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pyg_moleblend.fields import MAX_PATH_LENGTH, SPD_MAX, SPD_UNREACHABLE, BondVocabulary, bond_class
from pyg_moleblend.utils.layout import raise_for_conflicts
from pyg_moleblend.utils.paths import floyd_warshall

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

# Padded pairs that are worked on at once: their keys should stay in the processor's cache.
_GROUP_PAIRS = 1 << 16


def flat_relations(
    edge_index: Tensor,
    edge_attr: Tensor | None,
    counts: Tensor,
    max_path_length: int = MAX_PATH_LENGTH,
    bond_vocabulary: BondVocabulary | None = "ogb",
) -> dict[str, Tensor]:
    r"""The 2D relations of molecules as flat pair fields, computed on the processor.

    The numbers are those of :func:`~pyg_moleblend.utils.shortest_paths` and :func:`~pyg_moleblend.utils.bond_paths`.
    Molecules of like size are worked on together, in NumPy: the search for paths is the same function there, the walk
    along them is one of its own, for ``gather`` is as much faster than ``take`` on tensors as it is slower on arrays.

    Args:
        edge_index: ``[2, ΣE]``, atoms counted over all molecules.
        edge_attr: What tells bonds apart, as the vocabulary has it; ``None`` where nothing does.
        counts: Atoms of each molecule, ``[B]``.
        max_path_length: P.
        bond_vocabulary: ``"ogb"`` for OGB's bond features ``[ΣE, 3]``, the number of categories for ``[ΣE]`` or
            ``[ΣE, 1]``, or ``None`` where bonds are not told apart.

    Returns:
        ``spd`` ``[Σn²]`` and, where bonds are told apart, ``bond_path`` ``[Σn², P]``, both uint8 and row-major, on the
        device of ``edge_index``.

    Raises:
        ValueError: If a bond feature is outside the vocabulary, a bond leads to an atom that is not of its molecule or
            is given twice with different features, or a molecule has more than 16383 atoms.
    """
    # A path that has ended must find no bond, so a bond of an atom with itself is left out.
    ends = edge_index.cpu().numpy()
    if bond_vocabulary is None or edge_attr is None:
        classes, hops_kept = np.ones(ends.shape[1], dtype=np.uint8), 0
    else:
        classes, hops_kept = bond_class(edge_attr, bond_vocabulary).cpu().numpy(), max_path_length
    sizes: Ints = counts.cpu().numpy().astype(np.int64)
    source, target = ends[:, ends[0] != ends[1]].astype(np.int64)
    classes = classes[ends[0] != ends[1]]
    first_atom, first_pair = np.cumsum(sizes) - sizes, np.cumsum(sizes**2) - sizes**2
    owner = np.repeat(np.arange(len(sizes)), sizes)  # [ΣN]
    if source.size and (min(source.min(), target.min()) < 0 or max(source.max(), target.max()) >= len(owner)):
        raise ValueError(f"`edge_index` names atoms outside the {len(owner)} that there are")
    molecule = owner[source]  # [ΣE]
    if (molecule != owner[target]).any():
        raise ValueError("`edge_index` has bonds between atoms of different molecules")
    source, target = source - first_atom[molecule], target - first_atom[molecule]

    total = int((sizes**2).sum())
    spd = np.empty(total, dtype=np.uint8)
    paths = np.empty((total, hops_kept), dtype=np.uint8)
    place = np.zeros(len(sizes), dtype=np.int64)
    group_of = np.zeros(len(sizes), dtype=np.int64)
    groups = list(_groups(sizes))
    for number, members in enumerate(groups):
        place[members], group_of[members] = np.arange(len(members)), number
    order = np.argsort(group_of[molecule], kind="stable")  # edges, group by group
    stops = np.searchsorted(group_of[molecule][order], np.arange(len(groups) + 1)).tolist()
    for number, members in enumerate(groups):
        edges = order[stops[number] : stops[number + 1]]
        N, B = int(sizes[members[-1]]), len(members)  # the last is the largest
        bonds = np.zeros(N * N * B, dtype=np.uint8)
        at = (source[edges] * N + target[edges]) * B + place[molecule[edges]]
        bonds[at] = classes[edges]
        if (bonds[at] != classes[edges]).any():
            raise_for_conflicts()
        group_spd, group_paths = _group_relations(bonds, N, B, hops_kept)
        for b, (n, start) in enumerate(zip(sizes[members].tolist(), first_pair[members].tolist(), strict=True)):
            spd[start : start + n * n].reshape(n, n)[:] = group_spd[b, :n, :n]
            paths[start : start + n * n].reshape(n, n, -1)[:] = group_paths[b, :n, :n]
    found = {"spd": spd, "bond_path": paths} if hops_kept else {"spd": spd}
    return {name: torch.from_numpy(values).to(edge_index.device) for name, values in found.items()}


def _groups(sizes: Ints) -> Iterator[Ints]:
    r"""Molecules of like size, smallest first: at most a quarter more atoms than the first, and within the budget."""
    order = np.argsort(sizes, kind="stable")
    ascending = sizes[order].tolist()
    start = 0
    for stop in range(1, len(ascending) + 1):
        if stop < len(ascending):
            size = ascending[stop]
            if size <= ascending[start] * 1.25 + 1 and (stop + 1 - start) * size**2 <= _GROUP_PAIRS:
                continue
        yield order[start:stop]
        start = stop


def _group_relations(bonds: Bytes, N: int, B: int, max_path_length: int) -> tuple[Bytes, Bytes]:
    r"""``spd`` ``[B, N, N]`` and ``bond_path`` ``[B, N, N, P]`` of bond classes ``[N * N * B]``, batch last."""
    spd, via = floyd_warshall(bonds.reshape(N, N, B) != 0)
    longest = int(spd.max(where=spd != SPD_UNREACHABLE, initial=0))
    longest = longest if longest < SPD_MAX else N - 1
    spd = np.ascontiguousarray(spd.transpose(2, 0, 1))
    paths = np.zeros((B, N, N, max_path_length), dtype=np.uint8)
    if not max_path_length:
        return spd, paths
    # Positions in a flat [N, N, B]: first of (i, first hop, b), then of (first hop, j, b).
    column = np.arange(N)[:, None]  # [N, 1]
    hop = np.where(via < 0, column, via) * B
    row = (column * (N * B) + np.arange(B))[:, None]  # [N, 1, B]
    at = (hop + row).ravel()
    for _ in range(max(longest - 1, 0).bit_length()):  # each round doubles the hops that are skipped
        at = at.take(at)
    following = ((at.reshape(N, N, B) - row) * N + (column * B + np.arange(B))).ravel()
    hops = bonds.take(at)
    for h in range(min(max_path_length, longest)):
        paths[..., h] = hops.reshape(N, N, B).transpose(2, 0, 1)
        hops = hops.take(following)  # hop h from i is hop h - 1 from the atom after i
    return spd, paths
