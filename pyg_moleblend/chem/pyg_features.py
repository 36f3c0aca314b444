r"""From PyG's own molecule features to OGB's, which the models are trained on."""

import copy

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils.smiles import e_map, x_map

from pyg_moleblend.chem.vocabulary import ATOM_VOCABULARY, BOND_VOCABULARY, classes_of

_PYG_ATOM_KEYS = (
    "atomic_num",
    "chirality",
    "degree",
    "formal_charge",
    "num_hs",
    "num_radical_electrons",
    "hybridization",
    "is_aromatic",
    "is_in_ring",
)
_PYG_BOND_KEYS = ("bond_type", "stereo", "is_conjugated")

# The installed PyG's own lists of values, so that a value it gains is converted as well.
_ATOM_TABLES = [
    torch.from_numpy(classes_of(x_map[key], vocabulary))
    for key, vocabulary in zip(_PYG_ATOM_KEYS, ATOM_VOCABULARY.values(), strict=True)
]
_BOND_TABLES = [
    torch.from_numpy(classes_of(e_map[key], vocabulary))
    for key, vocabulary in zip(_PYG_BOND_KEYS, BOND_VOCABULARY.values(), strict=True)
]


def pyg_to_ogb_features(data: Data) -> Data:
    r"""Graph of ``torch_geometric.utils.from_smiles`` with its features in OGB's vocabulary.

    PyG's ``MoleculeNet`` and ``from_rdmol`` number atoms and bonds differently from OGB; one fed to the
    other's embedding is silently wrong. Node features become those of ``ogb.utils.smiles2graph``; edges stay
    in PyG's order (sorted, where OGB keeps the order of bonds). Features that are OGB's already must not be
    converted again: the numbers cannot tell.

    Args:
        data: Graph, or batch, with PyG's ``x`` ``[N, 9]`` and ``edge_attr`` ``[E, 3]``; it is not modified.

    Returns:
        A shallow copy with new int64 ``x`` and ``edge_attr``.

    Raises:
        ValueError: If a feature tensor is missing, has another width, is not of integers, or holds a value
            outside PyG's vocabulary.
    """
    converted = copy.copy(data)
    converted.x = _convert(data.x, _ATOM_TABLES, _PYG_ATOM_KEYS, "x")
    converted.edge_attr = _convert(data.edge_attr, _BOND_TABLES, _PYG_BOND_KEYS, "edge_attr")
    return converted


def _convert(features: Tensor | None, tables: list[Tensor], keys: tuple[str, ...], name: str) -> Tensor:
    if features is None:
        raise ValueError(f"data has no {name}; build it with torch_geometric.utils.from_smiles")
    if features.dim() != 2 or features.size(1) != len(tables):
        raise ValueError(
            f"{name} must have the {len(tables)} columns of torch_geometric.utils.from_smiles "
            f"({', '.join(keys)}), got shape {list(features.shape)}"
        )
    if features.is_floating_point() or features.is_complex():
        raise ValueError(f"{name} must hold integers, got {features.dtype}; convert it with {name}.long()")
    columns = []
    for key, table, column in zip(keys, tables, features.long().unbind(1), strict=True):
        outside = column[(column < 0) | (column >= len(table))]
        if outside.numel():
            raise ValueError(
                f"{name} column {key!r} must lie between 0 and {len(table) - 1}, PyG's vocabulary, got "
                f"{int(outside[0])}; are the features from torch_geometric.utils.from_smiles?"
            )
        columns.append(table.to(column.device)[column])
    return torch.stack(columns, dim=1)
