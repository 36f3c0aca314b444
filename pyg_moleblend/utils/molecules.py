from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, cast

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.fields import (
    ATOM_FEATURE_SIZES,
    FIELDS,
    MAX_PATH_LENGTH,
    PAIR_FIELDS,
    BondVocabulary,
    bond_class_unchecked,
    raise_for_bonds,
    transforms_for,
)
from pyg_moleblend.utils.dense import check_pair_count, num_atoms_unchecked, scatter_atoms, scatter_pairs
from pyg_moleblend.utils.graph_input import (
    as_data,
    check_edge_features,
    has_virtual_node,
    is_two_way,
    molecule_of_atoms,
    pairs_fit_bonds,
    raise_for_one_way,
    raise_for_virtual_node,
)
from pyg_moleblend.utils.layout import dense_coordinates, dense_relations

Modality = Literal["2d", "3d", "2d+3d"]
MODALITIES: dict[str, tuple[str, ...]] = {"2d": ("2d",), "3d": ("3d",), "2d+3d": ("2d", "3d")}
r"""What each mode of input looks at."""


def check_modality(modality: Any) -> Modality:
    r"""The modality; a :class:`ValueError` if it is none."""
    if not isinstance(modality, str) or modality not in MODALITIES:
        raise ValueError(f"`modality` must be '2d', '3d' or '2d+3d', got {modality!r}")
    return cast(Modality, modality)


_OTHER_BOND = 4  # OGB's bond type that is none of the four


class DenseMolecules(NamedTuple):
    r"""A batch of molecules as dense, padded tensors: what the compiled core of every model takes.

    Attributes:
        x: Atom features, ``[B, N, F]``, 0 where padded: OGB's nine as int64, or those of the data.
        mask: True for real atoms, ``[B, N]``.
        degree: Atoms from which a bond leads to each atom, ``[B, N]`` int64.
        pos: Coordinates in Å, ``[B, N, 3]``, 0 where padded or unknown.
        has_2d: The molecule's 2D relations are to be used, ``[B]`` bool.
        has_3d: The molecule's coordinates are known and to be used, ``[B]`` bool.
        pairs: Pair fields by name, each ``[B, N, N, ...]``.
        atoms: Atom fields by name, each ``[B, N, ...]``.
        graphs: Graph fields by name, each ``[B, ...]``.
        modalities: What any molecule of the batch has, ``"2d"`` and ``"3d"``; what none has is not computed.
    """

    x: Tensor
    mask: Tensor
    degree: Tensor
    pos: Tensor
    has_2d: Tensor
    has_3d: Tensor
    pairs: dict[str, Tensor]
    atoms: dict[str, Tensor]
    graphs: dict[str, Tensor]
    modalities: tuple[str, ...] = ("2d", "3d")

    @property
    def pair_mask(self) -> Tensor:
        r"""True for pairs of real atoms, ``[B, N, N]``."""
        return self.mask[:, :, None] & self.mask[:, None, :]

    def available(self, modality: str) -> Tensor:
        r"""Molecules that have the modality ``"2d"`` or ``"3d"``, ``[B]`` bool."""
        return {"2d": self.has_2d, "3d": self.has_3d}[modality]

    def with_pair(self, name: str, values: Tensor) -> DenseMolecules:
        r"""The same molecules with one more pair field."""
        return self._replace(pairs={**self.pairs, name: values})

    def with_atom(self, name: str, values: Tensor) -> DenseMolecules:
        r"""The same molecules with one more atom field."""
        return self._replace(atoms={**self.atoms, name: values})

    def select(self, rows: Tensor) -> DenseMolecules:
        r"""Some of the molecules, by position or by a mask ``[B]``."""
        parts: dict[str, Any] = {}
        for name, value in self._asdict().items():
            if isinstance(value, Tensor):
                value = value[rows]
            elif isinstance(value, dict):
                value = {key: values[rows] for key, values in value.items()}
            parts[name] = value
        return DenseMolecules(**parts)


def pack(
    batch: Data | DenseMolecules | Mapping[str, Any],
    pair_fields: Iterable[str] = ("spd", "bond_path"),
    max_path_length: int = MAX_PATH_LENGTH,
    modality: Modality = "2d+3d",
    *,
    atom_fields: Iterable[str] = (),
    graph_fields: Iterable[str] = (),
    bond_vocabulary: BondVocabulary = "ogb",
    atom_feature_sizes: tuple[int, ...] | None = ATOM_FEATURE_SIZES,
    check_size: Callable[[Tensor, int], None] | None = None,
) -> DenseMolecules:
    r"""Lays out a PyG batch as dense tensors, on the batch's device.

    It waits for the device once, once more where there are coordinates, and once more where 2D relations are computed.

    Fields that the batch holds are unpacked; ``spd`` and ``bond_path`` are computed from ``edge_index`` and
    ``edge_attr`` when it does not, and a field that was declared with a transform by that. Molecules are 2D only when
    any of their coordinates is NaN or their ``has_pos`` is False.

    Args:
        batch: A ``Batch`` of molecules, one ``Data``, or either as a dictionary, with ``edge_index`` or ``adj_t``;
            molecules that are packed already only change modality.
        pair_fields: Names of the pair fields that are wanted. (default: :obj:`("spd", "bond_path")`)
        max_path_length: P, the hops of ``bond_path``. (default: :obj:`5`)
        modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).
            (default: :obj:`"2d+3d"`)
        atom_fields: Names of the atom fields that are wanted, beside ``x`` and ``pos``. (default: :obj:`()`)
        graph_fields: Names of the graph fields that are wanted. (default: :obj:`()`)
        bond_vocabulary: What ``edge_attr`` holds: OGB's three features, or one of so many categories.
            (default: :obj:`"ogb"`)
        atom_feature_sizes: Number of values of each column of ``x``; ``None`` takes any ``x``.
            (default: :obj:`(119, 5, 12, 12, 10, 6, 6, 2, 2)`)
        check_size: Called with the atoms of each molecule ``[B]`` and the most of them, N, before anything is laid out:
            to refuse what would be too large. (default: :obj:`None`)

    Raises:
        ValueError: If a field is missing or misshapen or holds an infinite number, a feature is PyG's or outside its
            vocabulary, a bond is there in one direction only or otherwise in the other, pair fields are not those of
            the batch's bonds, a molecule has a virtual node, or ``modality="3d"`` is asked of a molecule without
            coordinates.
    """
    check_modality(modality)
    if isinstance(batch, DenseMolecules):
        return _restrict(batch, modality, bool(batch.has_3d.all()), bool(batch.has_3d.any()))
    batch = as_data(batch)
    wanted = {"pair": set(pair_fields), "atom": set(atom_fields), "graph": set(graph_fields)}
    batch = _completed(batch, set().union(*wanted.values()))

    x, index, edge_index = _atom_features(batch, atom_feature_sizes), molecule_of_atoms(batch), batch.edge_index
    batch_size = getattr(batch, "num_graphs", None) if index is not None else None
    counts, is_sorted = num_atoms_unchecked(index, x.size(0), batch_size, x.device)
    pos = getattr(batch, "pos", None)
    has_coordinates = torch.zeros(1, dtype=torch.bool, device=x.device) if pos is None else torch.isfinite(pos).any()
    x_inside = _inside(x, atom_feature_sizes)
    classes, bonds_inside = None, None
    if edge_index is not None and batch.edge_attr is not None and "bond_path" in wanted["pair"]:
        check_edge_features(edge_index, batch.edge_attr)
        classes, bonds_inside = bond_class_unchecked(batch.edge_attr, bond_vocabulary)
    two_way = None if edge_index is None else is_two_way(edge_index, x.size(0), classes)
    # Everything that decides about shapes and errors comes at once, so that the device is waited for once.
    ones = torch.ones((), dtype=torch.long, device=x.device)
    facts = {
        "largest": counts.max() if counts.numel() else 0,
        "smallest": counts.min() if counts.numel() else 0,
        "pairs": (counts * counts).sum(),
        "sorted": is_sorted,
        "atoms_inside": x_inside,
        "ogb_atoms": _has_ogb_atoms(x, batch.edge_attr) if atom_feature_sizes == ATOM_FEATURE_SIZES else None,
        "bonds_inside": bonds_inside,
        "two_way": two_way,
        "finite": _finite(batch, {"x", "pos"}.union(*wanted.values())),
        "fields_fit": pairs_fit_bonds(batch, classes, index, counts),
        "virtual_node": has_virtual_node(batch, index, counts),
        "coordinates": has_coordinates.any(),
    }
    stacked = torch.stack(
        [ones if fact is None else ones * fact for fact in facts.values()]
    )  # None: nothing against it
    found = dict(zip(facts, stacked.tolist(), strict=True))
    if not found["sorted"]:
        raise ValueError("`batch` must be sorted: the atoms of a molecule stand together, as in a PyG Batch")
    if not found["atoms_inside"] and atom_feature_sizes is not None:
        _raise_for_atoms(x, atom_feature_sizes)
    if not found["ogb_atoms"]:
        raise ValueError(
            "`x` holds atoms that cannot be, nitrogen of hybridisation SP3D2 and the like: these are PyG's own "
            "features, not OGB's; convert them with pyg_moleblend.chem.pyg_to_ogb_features"
        )
    if not found["finite"]:
        _raise_for_infinity(batch, {"x", "pos"}.union(*wanted.values()))
    if not found["smallest"]:
        rows = (counts == 0).nonzero().flatten().tolist()
        raise ValueError(f"molecules {rows[:8]} of the batch have no atoms; leave them out (a SMILES that failed?)")
    if found["virtual_node"]:
        raise_for_virtual_node()
    if not found["bonds_inside"]:
        raise_for_bonds(batch.edge_attr, bond_vocabulary)
    for name in sorted({*wanted["pair"], *PAIR_FIELDS}):
        if name in batch and len(batch[name]) != found["pairs"]:
            check_pair_count(name, batch[name], counts)
    if not found["fields_fit"]:
        raise ValueError(
            "pair fields of the batch are not those of its bonds: they were computed before atoms or bonds changed, or "
            "for another molecule; compute them again (transforms.AddRelations), after any transform that changes the "
            "graph"
        )
    if not found["two_way"]:
        raise_for_one_way(edge_index, x.size(0), batch.edge_attr, classes)
    if check_size is not None:
        check_size(counts, found["largest"])
    mask = torch.arange(found["largest"], device=x.device) < counts[:, None]
    pairs = {
        name: _unpack(batch, name, mask, counts, max_path_length) for name in sorted(wanted["pair"]) if name in batch
    }
    missing = wanted["pair"] - pairs.keys()
    pairs.update(_derived(batch, missing, index, mask, modality, max_path_length, bond_vocabulary))
    pos, has_3d = dense_coordinates(pos, mask, x.size(0), getattr(batch, "has_pos", None))
    molecules = DenseMolecules(
        x=scatter_atoms(x if atom_feature_sizes is None else x.long(), mask),
        mask=mask,
        degree=_degree(pairs, edge_index, mask, x.size(0)),
        pos=pos,
        has_2d=torch.ones(len(mask), dtype=torch.bool, device=x.device),
        has_3d=has_3d,
        pairs=pairs,
        atoms={name: scatter_atoms(_rows(batch, name, "atom", x.size(0)), mask) for name in sorted(wanted["atom"])},
        graphs={name: _rows(batch, name, "graph", len(mask)) for name in sorted(wanted["graph"])},
    )
    if not found["coordinates"]:
        return _restrict(molecules, modality, False, False)
    known = torch.stack([has_3d.all(), has_3d.any()]).tolist()
    return _restrict(molecules, modality, *known)


def _restrict(molecules: DenseMolecules, modality: Modality, all_3d: bool, any_3d: bool) -> DenseMolecules:
    r"""The molecules with what the modality looks at; ``all_3d`` and ``any_3d`` say who has coordinates."""
    has = tuple(kind for kind in molecules.modalities if kind in MODALITIES[modality] and (kind == "2d" or any_3d))
    if modality == "2d":
        return molecules._replace(has_3d=torch.zeros_like(molecules.has_3d), modalities=has)
    if modality == "3d":
        if not all_3d:
            rows = (~molecules.has_3d).nonzero().flatten().tolist()
            raise ValueError(f"modality='3d' needs coordinates, but molecules {rows[:8]} of the batch have none")
        return molecules._replace(has_2d=torch.zeros_like(molecules.has_2d), modalities=has)
    return molecules._replace(modalities=has)


def _completed(batch: Data, names: set[str]) -> Data:
    r"""The batch with the declared fields among `names` that it lacks and that a transform can attach."""
    transforms = transforms_for(names, batch)
    if not transforms:
        return batch
    if not isinstance(batch, Batch) and molecule_of_atoms(batch) is not None:
        raise ValueError(
            f"fields among {sorted(names - set(batch.keys()))} are attached molecule by molecule, which needs a PyG "
            "Batch: make it by Batch.from_data_list, or attach them before"
        )
    device = None if batch.x is None else batch.x.device
    molecules = batch.to_data_list() if isinstance(batch, Batch) else [copy.copy(batch)]
    for transform in transforms:
        molecules = [transform(molecule) for molecule in molecules]
    return (Batch.from_data_list(molecules) if isinstance(batch, Batch) else molecules[0]).to(device)


def _atom_features(batch: Data, sizes: tuple[int, ...] | None) -> Tensor:
    x: Tensor | None = batch.x
    if x is None:
        raise ValueError(
            "the batch has no atom features `x`; for graphs without any, torch_geometric.transforms.Constant() or "
            "OneHotDegree gives some"
        )
    if sizes is None:
        return x if x.dim() > 1 else x[:, None]
    if x.dim() == 1:
        x = x[:, None]
    if x.dim() != 2 or x.size(1) != len(sizes):
        if sizes != ATOM_FEATURE_SIZES:
            raise ValueError(
                f"`x` must hold {len(sizes)} atom features a row, got shape {list(x.shape)}; the model was built with "
                f"AtomEmbedding(..., feature_sizes={sizes})"
            )
        raise ValueError(
            f"`x` must hold OGB's {len(sizes)} atom features a row, got shape {list(x.shape)}; features of your own "
            "need an embedding of theirs: MoleBlend(config, atom_embedding=AtomEmbedding(config.channels, "
            "config.num_gaussians, feature_sizes=(NUMBER, ...))), or a module of your own"
        )
    if x.is_floating_point() or x.dtype == torch.bool:
        raise ValueError(
            f"`x` must hold integers, got {x.dtype}; an atom embedding of your own takes any: MoleBlend(config, "
            "atom_embedding=...)"
        )
    return x


def _inside(x: Tensor, sizes: tuple[int, ...] | None) -> Tensor | None:
    return None if sizes is None else ((x >= 0) & (x < x.new_tensor(sizes, dtype=torch.long))).all()


def _has_ogb_atoms(x: Tensor, edge_attr: Tensor | None) -> Tensor:
    r"""False where most atoms of the first two periods are of hybridisation SP3D or SP3D2, as which PyG's numbers for
    SP2 and SP3 read. No such atom is, but for bonds to a metal, of another type than PyG's numbers can read as."""
    light = x[:, 0] < 10
    possible = 2 * (light & ((x[:, 6] == 3) | (x[:, 6] == 4))).sum() <= light.sum()
    if edge_attr is None or edge_attr.dim() != 2:
        return possible
    return possible | (edge_attr[:, 0] == _OTHER_BOND).any()


def _finite(batch: Data, names: set[str]) -> Tensor | None:
    r"""Whether no number of these fields is infinite; NaN says that there is none."""
    values = [batch[name] for name in sorted(names) if name in batch]
    found = [~value.isinf().any() for value in values if isinstance(value, Tensor) and value.is_floating_point()]
    return torch.stack(found).all() if found else None


def _raise_for_infinity(batch: Data, names: set[str]) -> None:
    infinite = [name for name in sorted(names) if name in batch and _finite(batch, {name}) not in (None, True)]
    raise ValueError(f"{infinite} of the batch hold infinite numbers, which is damage; what is not known is NaN")


def _raise_for_atoms(x: Tensor, sizes: tuple[int, ...]) -> None:
    hint = "; convert PyG's own features with pyg_moleblend.chem.pyg_to_ogb_features" if len(sizes) == 9 else ""
    name = "OGB's vocabulary" if sizes == ATOM_FEATURE_SIZES else "their vocabulary"
    raise ValueError(
        f"atom features lie outside {name} (sizes {sizes}): values from {x.amin(0).tolist()} to "
        f"{x.amax(0).tolist()}{hint}"
    )


def _degree(pairs: Mapping[str, Tensor], edge_index: Tensor | None, mask: Tensor, num_atoms: int) -> Tensor:
    r"""Atoms from which a bond leads to each atom, ``[B, N]``: a bond that is named twice counts once, one of an atom
    with itself does not."""
    if "spd" in pairs:
        return (pairs["spd"] == 1).sum(1)
    if edge_index is None:
        return torch.zeros_like(mask, dtype=torch.long)
    source, target = edge_index.long().unique(dim=1)
    degree = torch.zeros(num_atoms, dtype=torch.long, device=mask.device)
    return scatter_atoms(degree.scatter_add(0, target, (source != target).long()), mask)


def _derived(
    batch: Data,
    missing: set[str],
    index: Tensor | None,
    mask: Tensor,
    modality: Modality,
    max_path_length: int,
    bond_vocabulary: BondVocabulary,
) -> dict[str, Tensor]:
    r"""The pair fields that follow from the bonds."""
    if unknown := sorted(missing - set(PAIR_FIELDS)):
        raise ValueError(_missing("pair", *unknown))
    if not missing:
        return {}
    if batch.edge_index is not None:
        if "bond_path" in missing and batch.edge_attr is None:
            raise ValueError(
                "`bond_path` needs `edge_attr`; give it, or the pair field, or a model whose relations and objectives "
                "do without: default_relations(config, bond_vocabulary=None), default_objectives(config, "
                "bond_vocabulary=None)"
            )
        attr = batch.edge_attr if "bond_path" in missing else None
        derived = dense_relations(batch.edge_index, attr, mask, index, max_path_length, bond_vocabulary)
        return {name: derived[name] for name in missing}
    if modality == "3d":  # a point cloud: there is no bond to look at or to recover
        B, N = mask.shape
        shapes = {"spd": (B, N, N), "bond_path": (B, N, N, max_path_length)}
        return {name: mask.new_zeros(shapes[name], dtype=torch.uint8) for name in missing}
    raise ValueError("2D relations need `edge_index`; give it, or use the molecules with modality='3d'")


def _missing(level: str, *names: str) -> str:
    meanings = [f" ({FIELDS[name].meaning})" if name in FIELDS and FIELDS[name].meaning else "" for name in names]
    listed = ", ".join(f"{name!r}{meaning}" for name, meaning in zip(names, meanings, strict=True))
    how = "attach it to each `Data` by a transform, the dataset's `pre_transform` say"
    return f"the batch has no {level} field {listed}; {how}"


def _rows(batch: Data, name: str, level: str, rows: int) -> Tensor:
    r"""An atom or graph field with the number of rows that it must have."""
    if name not in batch:
        raise ValueError(_missing(level, name))
    values = batch[name]
    if not isinstance(values, Tensor) or values.dim() == 0 or values.size(0) != rows:
        shape = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
        first = "N, ..." if level == "atom" else "1, ..."
        raise ValueError(f"{level} field {name!r} must have {rows} rows, [{first}] on each `Data`, got {shape}")
    return values


def _unpack(batch: Data, name: str, mask: Tensor, counts: Tensor, max_path_length: int) -> Tensor:
    values = batch[name]
    if name == "bond_path":
        if values.dim() != 2:
            raise ValueError(f"`bond_path` must have shape [ΣN², P], got {list(values.shape)}")
        if values.size(1) < max_path_length:
            raise ValueError(
                f"`bond_path` holds {values.size(1)} hops, the model wants {max_path_length}; attach it again with "
                f"transforms.AddRelations(max_path_length={max_path_length})"
            )
        values = values[:, :max_path_length]
    return scatter_pairs(values, mask)
