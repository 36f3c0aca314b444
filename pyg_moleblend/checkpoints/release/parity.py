r"""Whether a converted model computes what the release's own weights say, on a few molecules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor
from torch_geometric.data import Batch

from pyg_moleblend.checkpoints.release.reference import ReleaseReference
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import AtomEmbedding, RecoveryState, constant_blend
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.utils import DenseMolecules

MOLECULES = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "C/C=C/[C@H](N)C(=O)[O-].[Na+]",
    "CC#N",
    "NS(=O)(=O)c1ccc(Cl)nc1CCCCBr",
    "[CH2]CC[P+](C)(C)C",
)
r"""Rings, charges, stereo, a salt, a radical, and paths of more than five bonds."""

Model = MoleBlend | MoleBlendForPretraining | MoleBlendForPropertyPrediction


@torch.no_grad()
def parity(weights: Mapping[str, Tensor], model: Model) -> dict[str, float]:
    r"""How far a model in evaluation mode is from the release's weights: largest difference over largest value.

    Args:
        weights: The release's state dictionary, as its file holds it.
        model: The model that was made of it.

    Returns:
        A number for each part of the model, from the embeddings to the predictions; rounding leaves about 1e-6.
    """
    molecules = pack_molecules(model)
    release = ReleaseReference(weights)
    references = [release(**single(molecules, number)) for number in range(len(MOLECULES))]
    return {
        # Cut to the reference's shape, a value has no padding left.
        name: _relative([(value[i][tuple(map(slice, ref[name].shape))], ref[name]) for i, ref in enumerate(references)])
        for name, value in outputs(model, molecules).items()
    }


@torch.no_grad()
def round_trip(model: Model, loaded: Model) -> float:
    r"""Largest difference between the outputs of a model and of what was loaded from its folder, likewise."""
    molecules = pack_molecules(model)
    values, others = outputs(model, molecules), outputs(loaded, molecules)
    return max(_relative([(others[name], value)]) for name, value in values.items())


def pack_molecules(model: Model) -> DenseMolecules:
    r"""The built-in molecules as a model takes them, their atoms on a helix: fixed, and at many distances."""
    encoder = _encoder(model)
    graphs = [from_smiles(smiles) for smiles in MOLECULES]
    for graph in graphs:
        step = torch.arange(len(graph.x), dtype=torch.float32)
        graph.pos = torch.stack([0.7 * step, 1.3 * step.sin(), 1.1 * step.cos()], dim=-1)  # Å
    molecules = encoder.pack(Batch.from_data_list(graphs))
    return molecules.with_pair(GAUSSIANS, encoder.gaussians(pair_distances(molecules.pos), molecules.x[..., 0]))


def outputs(model: Model, molecules: DenseMolecules) -> dict[str, Tensor]:
    r"""What each part of a model gives: ``[B, ...]``, ``[B, N, ...]`` or ``[B, N, N, ...]``."""
    encoder = _encoder(model)
    embedding, encoded = cast(AtomEmbedding, encoder.atom_embedding), encoder.encode(molecules)
    values = {
        "atom features": embedding.embed_features(molecules),
        "degree": embedding.embed_degree(molecules),
        "3d atom feature": embedding.embed_geometry(molecules),
    }
    for name, relation in encoder.attention_bias.blend.items():
        values[f"{name} bias"] = relation(molecules).permute(0, 2, 3, 1)
    values.update({"graph state": encoded.graph, "atom states": encoded.atoms})
    if isinstance(model, MoleBlendForPropertyPrediction):
        return {**values, "property prediction": model(molecules)}
    if isinstance(model, MoleBlendForPretraining):
        blend = constant_blend(molecules, 0, 0)  # for losses, which are not asked for
        state = RecoveryState(encoded.graph, encoded.atoms, encoded.bias, molecules, molecules.pos, blend)
        values.update({f"{name} prediction": objective(state) for name, objective in model.items()})
    return values


def _encoder(model: Model) -> MoleBlend:
    return model if isinstance(model, MoleBlend) else model.encoder


def single(molecules: DenseMolecules, number: int) -> dict[str, Tensor]:
    r"""One of the molecules without its padding, in plain tensors."""
    n = int(molecules.mask[number].sum())
    atoms = {name: getattr(molecules, name)[number, :n] for name in ("x", "degree", "pos")}
    return {**atoms, **{name: molecules.pairs[name][number, :n, :n].long() for name in ("spd", "bond_path")}}


def _relative(pairs: list[tuple[Tensor, Tensor]]) -> float:
    worst = max(float((value.double() - reference.double()).abs().max()) for value, reference in pairs)
    return worst / max(*(float(reference.abs().max()) for _, reference in pairs), 1e-30)
