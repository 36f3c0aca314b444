from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.typing import Adj

from pyg_moleblend.fields import MAX_PATH_LENGTH, PAIR_FIELDS, BondVocabulary
from pyg_moleblend.nn.attention_bias import RelationBlend, shut_padded_keys
from pyg_moleblend.nn.backward import touched
from pyg_moleblend.nn.gaussian_basis import GaussianBasis, pair_distances
from pyg_moleblend.nn.layer import MoleBlendLayer
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.relations.bond_path import BondPathBias
from pyg_moleblend.nn.relations.distance import GAUSSIANS, DistanceBias
from pyg_moleblend.nn.relations.spd import SPDBias
from pyg_moleblend.utils import DenseMolecules
from pyg_moleblend.utils.dense import as_dense_pair, atom_mask, num_atoms, require, scatter_atoms
from pyg_moleblend.utils.graph_input import check_edge_features, is_connected, pairs_fit_bonds, plain_edges
from pyg_moleblend.utils.layout import dense_coordinates, dense_relations

_NOT_SAID: Any = object()


class MoleBlendConv(nn.Module):
    r"""A MoleBLEND layer with its own relation biases, sparse in and sparse out, for models of any kind: in
    :class:`torch_geometric.nn.Sequential`, beside :class:`~torch_geometric.nn.GPSConv`, or within it.

    Attention runs over all pairs of atoms of a molecule, biased by shortest path, bonds along it and, when
    coordinates are given, distance (arXiv 2307.06235, section 3.3), or by relations of your own. There is no graph
    token.

    .. note::

        :class:`~torch_geometric.nn.GPSConv` does not tell its local layer which atom is of which molecule. Give it
        ``ptr``, which it passes on: ``GPSConv(C, MoleBlendConv(C, 4))(x, edge_index, batch, ptr=data.ptr)``. A layer
        that is told nothing takes the graph for one molecule where it is connected, and raises where it is not.

    With ``batch_size`` and ``max_num_nodes`` given, :meth:`forward` waits for no size of its inputs, so that
    ``torch.compile(conv, fullgraph=True, dynamic=True)`` works. Invalid input is then an error of the device
    (:class:`RuntimeError`).

    Args:
        channels (int): C.
        heads (int): H, a divisor of C.
        num_gaussians (int, optional): K, the width of the distances' Gaussian basis. (default: :obj:`32`)
        max_path_length (int, optional): P, the bonds of a path that are looked at. (default: :obj:`5`)
        num_types (int, optional): Number of atom types of the Gaussian basis; 1 treats all atoms alike.
            (default: :obj:`1`)
        bond_vocabulary (str or int, optional): What ``edge_attr`` holds: :obj:`"ogb"` for OGB's three features, or so
            many categories. With :obj:`None` it is not read, and paths have hops alone. (default: :obj:`"ogb"`)
        relations (Mapping[str, RelationBias], optional): Bias of each relation by name, instead of the three.
            ``bond_vocabulary`` and ``max_path_length`` are then those of the relations. (default: :obj:`None`)
        **layer_kwargs (optional): Further arguments of :class:`MoleBlendLayer`.

    Shapes:
        - **input:** node features ``[ΣN, C]``, ``edge_index`` ``[2, ΣE]`` or ``adj_t`` ``[ΣN, ΣN]``, ``edge_attr``
          ``[ΣE, 3]`` or as the vocabulary has it (without it, all bonds are alike), ``batch`` ``[ΣN]``, ``pos``
          ``[ΣN, 3]`` in Å (molecules with a NaN row have no distance bias), ``atom_type`` ``[ΣN]`` int64 below
          ``num_types``
        - **output:** ``[ΣN, C]``
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        num_gaussians: int = 32,
        max_path_length: int = MAX_PATH_LENGTH,
        num_types: int = 1,
        bond_vocabulary: BondVocabulary | None = "ogb",
        relations: Mapping[str, RelationBias] | None = None,
        **layer_kwargs: Any,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.heads = heads
        if relations is None:
            relations = {"spd": SPDBias(heads)}
            if bond_vocabulary is not None:
                relations["bond_path"] = BondPathBias(heads, max_path_length, bond_vocabulary)
            relations["distance"] = DistanceBias(heads, num_gaussians)
        self.blend = RelationBlend(relations, heads)
        parts = [part for _, part in self.blend.items()]
        self.bond_vocabulary: BondVocabulary | None = _only_vocabulary(parts)
        self.max_path_length = max([getattr(part, "max_path_length", 1) for part in parts], default=1)
        in_3d = "3d" in self.blend.modalities.values()
        self.gaussians = GaussianBasis(num_gaussians, num_types) if in_3d else None
        self.layer = MoleBlendLayer(channels, heads, **layer_kwargs)

    def reset_parameters(self) -> None:
        r"""Draws fresh weights."""
        if self.gaussians is not None:
            self.gaussians.reset_parameters()
        self.blend.reset_parameters()
        self.layer.reset_parameters()

    def forward(
        self,
        x: Tensor,
        edge_index: Adj,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = _NOT_SAID,
        pos: Tensor | None = None,
        atom_type: Tensor | None = None,
        pairs: Mapping[str, Tensor] | None = None,
        atoms: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, Tensor] | None = None,
        ptr: Tensor | None = None,
        batch_size: int | None = None,
        max_num_nodes: int | None = None,
    ) -> Tensor:
        r"""The atoms' next states.

        Args:
            x (torch.Tensor): Node features.
            edge_index (torch.Tensor or SparseTensor): Bonds, or their transposed adjacency matrix, whose integer
                values take the place of ``edge_attr``.
            edge_attr (torch.Tensor, optional): Features of the bonds. (default: :obj:`None`)
            batch (torch.Tensor, optional): Molecule of each atom, ascending; :obj:`None` is one molecule, of several
                fragments perhaps. Unless it or ``ptr`` is given, the graph must be connected.
            pos (torch.Tensor, optional): Coordinates in Å; 3D relations are not computed without.
                (default: :obj:`None`)
            atom_type (torch.Tensor, optional): Type of each atom. (default: :obj:`None`)
            pairs (Mapping[str, torch.Tensor], optional): Pair fields that the relations read, flat ``[ΣN², ...]`` as on
                a PyG batch, or dense ``[B, N, N, ...]``. ``spd`` and ``bond_path`` are computed where they are not
                among them. (default: :obj:`None`)
            atoms (Mapping[str, torch.Tensor], optional): Atom fields that the relations read, ``[ΣN, ...]``.
                (default: :obj:`None`)
            graphs (Mapping[str, torch.Tensor], optional): Graph fields that the relations read, ``[B, ...]``.
                (default: :obj:`None`)
            ptr (torch.Tensor, optional): Where molecules begin and end, ``[B + 1]``, instead of ``batch``.
                (default: :obj:`None`)
            batch_size (int, optional): B. (default: :obj:`None`)
            max_num_nodes (int, optional): N, at least the atoms of the largest molecule. (default: :obj:`None`)

        Raises:
            ValueError: If an input is missing, misshapen or outside its vocabulary.
        """
        edge_index, edge_attr = plain_edges(edge_index, edge_attr)
        batch, counts = _molecules(x, edge_index, batch, ptr, batch_size)
        mask = atom_mask(counts, max_num_nodes)
        fields = self._pair_fields(pairs or {}, mask, counts, batch, edge_index, edge_attr)
        dense_pos, has_3d = dense_coordinates(pos, mask, x.size(0))
        types = torch.zeros_like(mask, dtype=torch.long) if atom_type is None else scatter_atoms(atom_type, mask)
        molecules = DenseMolecules(
            x=types[..., None],
            mask=mask,
            degree=(fields["spd"] == 1).sum(1) if "spd" in fields else torch.zeros_like(types),
            pos=dense_pos,
            has_2d=torch.ones_like(has_3d),
            has_3d=has_3d,
            pairs=fields,
            atoms={name: scatter_atoms(values, mask) for name, values in self._given("atom", atoms).items()},
            graphs=self._given("graph", graphs),
            modalities=("2d",) if pos is None else ("2d", "3d"),
        )
        states = scatter_atoms(x, mask)
        if self.gaussians is not None and pos is not None:
            molecules = molecules.with_pair(GAUSSIANS, self.gaussians(pair_distances(dense_pos), types))
        elif self.gaussians is not None:
            states = touched(states, self.gaussians)
        states = self.layer(states, shut_padded_keys(self.blend(molecules), mask))
        row = torch.arange(x.size(0), device=x.device) - (counts.cumsum(0) - counts)[batch] + batch * mask.size(1)
        return states.flatten(0, 1)[row]

    def _pair_fields(
        self,
        given: Mapping[str, Tensor],
        mask: Tensor,
        counts: Tensor,
        batch: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None,
    ) -> dict[str, Tensor]:
        r"""The pair fields that the relations read, each ``[B, N, N, ...]``."""
        derived = {name for name in PAIR_FIELDS if name in self._wanted("pair") and name not in given}
        found: dict[str, Tensor] = {}
        if derived:
            if self.bond_vocabulary is None:
                edge_attr = None
            if edge_attr is not None:
                check_edge_features(edge_index, edge_attr)
            found = dense_relations(
                edge_index, edge_attr, mask, batch, self.max_path_length, self.bond_vocabulary or "ogb"
            )
        fields = self._given("pair", {**given, **{name: found[name] for name in derived}})
        fields = {name: as_dense_pair(name, values, mask, counts) for name, values in fields.items()}
        flat = {name: given[name] for name in PAIR_FIELDS if name in given and given[name].size(0) != mask.size(0)}
        if flat and not torch.compiler.is_compiling():
            fits = pairs_fit_bonds(Data(edge_index=edge_index, **flat), None, batch, counts)
            require(
                torch.as_tensor(fits), f"{sorted(flat)} are not those of the bonds; compute them again (AddRelations)"
            )
        hops = fields["bond_path"].size(-1) if "bond_path" in fields else self.max_path_length
        if hops < self.max_path_length:
            raise ValueError(f"`bond_path` holds {hops} hops, the relations want {self.max_path_length}")
        return fields

    def _wanted(self, level: str) -> set[str]:
        return {name for _, part in self.blend.items() for name in getattr(part, f"{level}_fields")}

    def _given(self, level: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
        r"""The fields of a level that the relations read."""
        given, wanted = given or {}, self._wanted(level)
        if missing := sorted(wanted - set(given)):
            raise ValueError(f"the relations read the {level} fields {missing}; give {level}s={{{missing[0]!r}: ...}}")
        return {name: given[name] for name in sorted(wanted)}

    def __repr__(self) -> str:
        names = list(self.blend.modalities)
        return f"{self.__class__.__name__}({self.channels}, heads={self.heads}, relations={names})"


def _only_vocabulary(parts: Iterable[RelationBias]) -> BondVocabulary | None:
    found: set[Any] = {part.bond_vocabulary for part in parts if hasattr(part, "bond_vocabulary")}
    if len(found) > 1:
        raise ValueError(f"the relations differ in their `bond_vocabulary`: {sorted(map(str, found))}")
    return next(iter(found), None)


def _molecules(
    x: Tensor, edge_index: Tensor, batch: Tensor | None, ptr: Tensor | None, batch_size: int | None
) -> tuple[Tensor, Tensor]:
    r"""Molecule of each atom ``[ΣN]`` and atoms of each molecule ``[B]``."""
    total = x.size(0)
    if ptr is not None and (batch is _NOT_SAID or batch is None):
        counts = ptr.diff()
        require(counts.sum() == total, f"`ptr` must end at the {total} atoms that there are")
        return torch.repeat_interleave(counts, output_size=total), counts
    if batch is _NOT_SAID:
        if torch.compiler.is_compiling() or not is_connected(edge_index, total):
            raise ValueError(
                "nothing says which atom is of which molecule, and the graph is not connected: give `batch` or `ptr` "
                "(within GPSConv: gps(x, edge_index, batch, ptr=data.ptr)), or batch=None for one molecule of several "
                "fragments"
            )
        batch = None
    counts = num_atoms(batch, total, batch_size, x.device)
    return (x.new_zeros(total, dtype=torch.long) if batch is None else batch), counts
