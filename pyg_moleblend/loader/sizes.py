r"""How many atoms the molecules of a dataset have, without making them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data, Dataset, InMemoryDataset


def molecule_sizes(molecules: Sequence[Data] | Any) -> Tensor:
    r"""Atoms of each molecule, ``[M]`` int64.

    An :class:`~torch_geometric.data.InMemoryDataset` is read from its pointers, and what has ``num_atoms`` is asked for
    them; of anything else each molecule is looked at once.

    Args:
        molecules: A PyG dataset, a subset of one, or a list of ``Data``.
    """
    if isinstance(known := getattr(molecules, "num_atoms", None), Tensor):
        return known.long()
    if isinstance(molecules, InMemoryDataset) and molecules.slices is not None and "x" in molecules.slices:
        sizes = molecules.slices["x"].diff()
        return sizes[torch.as_tensor(molecules.indices(), dtype=torch.long)]
    if isinstance(molecules, Dataset) and hasattr(molecules, "num_atoms"):
        return molecules.num_atoms
    return torch.tensor([molecules[i].num_nodes for i in range(len(molecules))], dtype=torch.long)
