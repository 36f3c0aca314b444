from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import MessagePassing

from pyg_moleblend.fields import ATOM_FEATURE_SIZES
from pyg_moleblend.models.moleblend import MoleBlend
from pyg_moleblend.models.property_prediction import MoleBlendForPropertyPrediction
from pyg_moleblend.nn import AtomEmbedding, RelationBias
from pyg_moleblend.utils import DenseMolecules, Modality, shortest_paths
from pyg_moleblend.utils.dense import scatter_atoms

ENVIRONMENT = "environment"
r"""Name of the gate of all that an atom's embedding has beside its own features: degree and distances."""

_OGB_NAMES = (
    "atomic number", "chirality", "degree (feature)", "charge", "hydrogens", "radical electrons", "hybridization",
    "aromatic", "in ring",
)  # fmt: skip
_GATES, _PATHS = "gates_of_features", "weights_of_paths"


class Explainable(nn.Module):
    r"""A property model as :class:`torch_geometric.explain.Explainer` wants it: a function of floating point node
    features and of ``edge_index``, with gradients.

    What an atom is, is categorical and cannot be scaled. So the node features that are explained are gates: 1 each, one
    for each of the atom's features, which multiply what the feature adds to the atom's first state, after the layer
    normalisation, whose mean and deviation are those of the open gates (as in arXiv 2202.07304; before it, a common
    factor would change nothing). With a node mask of 0 an atom is a blank: it stays where it is, but its state does not
    tell what it is. ``node_mask_type="object"`` asks which atoms matter, ``"attributes"`` which features of which atom.

    An edge mask scales the 2D relations of every pair whose shortest path leads over the edge, by the product over the
    path. With 0 no 2D relation enters for these pairs, as blending leaves relations out in pretraining
    (arXiv 2307.06235, section 3.2).

    Distances in 3D, with the elements' part in them, and the paths themselves stay: what the molecule would be without
    the atom or the bond is not asked.

    The model is copied, so that it stays as it is.

    .. code-block:: python

        explainable = Explainable(model, task=0)
        explainer = Explainer(
            explainable, GNNExplainer(epochs=200), explanation_type="model", node_mask_type="object",
            edge_mask_type="object", model_config=dict(mode="regression", task_level="graph", return_type="raw"),
        )
        explanation = explainer(explainable.gates(batch), batch.edge_index, molecules=batch)

    Args:
        model (MoleBlendForPropertyPrediction): The model, with a :class:`MoleBlend` as encoder.
        task (int, optional): The output that is explained; by default all of them together. (default: :obj:`None`)
        activation (Callable, optional): Applied to the outputs, :func:`torch.sigmoid` say, for explainers that want
            probabilities of a classification. (default: :obj:`None`)
        modality (str, optional): Which inputs to use, :obj:`"2d"`, :obj:`"3d"` or :obj:`"2d+3d"` (all that each
            molecule has). (default: :obj:`"2d+3d"`)

    Shapes:
        - **input:** gates ``[ΣN, F]``, ``edge_index`` ``[2, ΣE]``, the batch of molecules
        - **output:** ``[B, T]``, or ``[B, 1]`` with a ``task``

    Raises:
        ValueError: If the encoder is another, or there is no such task.
    """

    def __init__(
        self,
        model: MoleBlendForPropertyPrediction,
        task: int | None = None,
        activation: Callable[[Tensor], Tensor] | None = None,
        modality: Modality = "2d+3d",
    ) -> None:
        super().__init__()
        if not isinstance(model.encoder, MoleBlend):
            raise ValueError(f"only a MoleBlend encoder can be explained, got {type(model.encoder).__name__}")
        if task is not None and not 0 <= task < model.num_tasks:
            raise ValueError(f"`task` must be from 0 to {model.num_tasks - 1}, got {task}")
        self.task = task
        self.activation = activation
        self.modality: Modality = modality
        self.model = copy.deepcopy(model)
        encoder = self.model.encoder
        encoder.__class__ = _GatedEncoder
        relations = encoder.attention_bias.blend.relations
        for name, relation in relations.items():
            if relation.modality == "2d":
                relations[name] = _GatedRelation(relation)
        self.bonds = _EdgeMask()
        self.train(model.training)  # explainers put all of it back into the mode that they found here

    @property
    def feature_names(self) -> tuple[str, ...]:
        r"""What each of the F gates of an atom is for."""
        embedding = self.model.encoder.atom_embedding
        if not _is_a_sum(embedding):
            return ("atom",)
        count = len(embedding.feature_sizes)
        named = _OGB_NAMES if embedding.feature_sizes == ATOM_FEATURE_SIZES else [f"feature {i}" for i in range(count)]
        return (*named, ENVIRONMENT)

    def gates(self, molecules: Data) -> Tensor:
        r"""The node features to give to the explainer: ``[ΣN, F]``, all 1."""
        return torch.ones(molecules.num_nodes, len(self.feature_names), device=molecules.x.device)

    def forward(self, x: Tensor, edge_index: Tensor, molecules: Data | Mapping[str, Any] | DenseMolecules) -> Tensor:
        r"""The model's outputs.

        Args:
            x: Gates of the atoms' features, from :meth:`gates`.
            edge_index: The bonds that an edge mask is for.
            molecules: The molecules; packed ones save time where an explainer asks often.

        Raises:
            ValueError: If ``x`` does not hold the gates of these molecules.
        """
        packed = self.model.pack(molecules, self.modality)
        shape = (int(packed.mask.sum()), len(self.feature_names))
        if x.shape != shape or not x.is_floating_point():
            raise ValueError(
                f"`x` must be the gates of the molecules' atoms, {list(shape)} floats from "
                f"Explainable.gates(molecules), got {x.dtype} {list(x.shape)}"
            )
        packed = packed.with_atom(_GATES, scatter_atoms(x, packed.mask))
        packed = packed.with_pair(_PATHS, self._path_weights(edge_index, packed.mask, x))
        output = self.model(packed)
        if self.task is not None:
            output = output[:, self.task : self.task + 1]
        return output if self.activation is None else self.activation(output)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({type(self.model).__name__}, task={self.task}, modality={self.modality!r})"

    def _path_weights(self, edge_index: Tensor, mask: Tensor, x: Tensor) -> Tensor:
        r"""Product of the edge masks along the shortest path of each pair, ``[B, N, N]``."""
        B, N = mask.shape
        weights = x.new_ones(B, N, N)
        edge_mask = self.bonds.values()
        if edge_mask is None:
            return weights
        molecule, atom = mask.nonzero().T
        source, target = edge_index[:, edge_index[0] != edge_index[1]]
        place = (molecule[source], atom[source], atom[target])
        bonded = mask.new_zeros(B, N, N).index_put(place, mask.new_ones(()))
        spd, hop = shortest_paths(bonded)
        weights = weights.index_put(place, edge_mask[edge_index[0] != edge_index[1]].to(weights.dtype)).gather(2, hop)
        longest = int(spd.masked_fill(spd == 255, 0).max())
        for _ in range(max(longest - 1, 0).bit_length()):  # each round doubles the hops that are counted
            weights, hop = weights * weights.gather(1, hop), hop.gather(1, hop)
        return weights


class _EdgeMask(MessagePassing):
    r"""Where PyG's explainers leave the edge mask: they look for a :class:`MessagePassing` module."""

    def values(self) -> Tensor | None:
        r"""The mask ``[E]``, if there is one."""
        mask: Tensor | None = self._edge_mask
        return mask.sigmoid() if mask is not None and self._apply_sigmoid else mask


class _GatedEncoder(MoleBlend):
    r"""An encoder whose atoms' first states are gated, feature by feature."""

    def normalize(self, tokens: Tensor, molecules: DenseMolecules) -> Tensor:
        gates = molecules.atoms[_GATES]  # [B, N, F]
        states = super().normalize(tokens, molecules)
        atoms = states[:, 1:] - self.embedding_norm.bias  # [B, N, C], to which each feature has added its part
        if not _is_a_sum(self.atom_embedding):
            return torch.cat([states[:, :1], states[:, 1:] + (gates - 1) * atoms], dim=1)
        embedding = self.atom_embedding
        each = F.embedding(molecules.x + embedding.offsets, embedding.features.weight)  # [B, N, F - 1, C]
        deviation = (tokens[:, 1:].var(-1, correction=0, keepdim=True) + self.embedding_norm.eps).sqrt()
        parts = self.embedding_norm.weight * (each - each.mean(-1, keepdim=True)) / deviation[..., None]
        parts = torch.cat([parts, (atoms - parts.sum(2))[:, :, None]], dim=2)  # [B, N, F, C]
        change = ((gates - 1)[..., None] * parts).sum(2)  # exactly nothing where all gates are 1
        return torch.cat([states[:, :1], states[:, 1:] + change], dim=1)


def _is_a_sum(embedding: Any) -> bool:
    return type(embedding) is AtomEmbedding  # a subclass may do anything


class _GatedRelation(RelationBias):
    r"""A relation whose bias is multiplied by the weight of each pair's path."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner
        for name in ("pair_fields", "atom_fields", "graph_fields", "bond_vocabulary"):
            if hasattr(inner, name):
                setattr(self, name, getattr(inner, name))

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return self.inner(molecules) * molecules.pairs[_PATHS][:, None]
