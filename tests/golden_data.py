r"""Numbers that the authors' release produced (files in ``tests/golden``), and how they are compared."""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.checkpoints import convert_release
from pyg_moleblend.fields import SPD_UNREACHABLE
from pyg_moleblend.models import Blend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import RecoveryState
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.utils import DenseMolecules

FOLDER = Path(__file__).parent / "golden"
RELEASE_CHECKPOINT = FOLDER / "release_checkpoint.pt"

_RELEASE_UNREACHABLE = 510


class RelationCase(NamedTuple):
    r"""A molecule and its relations by the release: ``spd`` [N, N], ``bonds`` [N, N, 5, 3], -1 none, ``degree`` [N]."""

    smiles: str
    graph: Data
    spd: Tensor
    bonds: Tensor
    degree: Tensor


@lru_cache
def public() -> dict[str, Any]:
    r"""The contents of ``public.pt``; not to be written to."""
    return torch.load(FOLDER / "public.pt", weights_only=True)


def public_graphs() -> list[Data]:
    return [Data(**graph).clone() for graph in public()["graphs"]]


def public_batch() -> Batch:
    return Batch.from_data_list(public_graphs())


@lru_cache
def relation_cases() -> list[RelationCase]:
    r"""The molecules of both files, with unreachable pairs written as we write them."""
    cases = []
    for content in (public(), torch.load(FOLDER / "relations_public.pt", weights_only=True)):
        for smiles, graph, relation in zip(content["smiles"], content["graphs"], content["relations"], strict=True):
            spd = relation["shortest_path"].long()
            spd = spd.masked_fill(spd == _RELEASE_UNREACHABLE, SPD_UNREACHABLE)
            features = {name: value if name == "pos" else value.long() for name, value in graph.items()}
            bonds, degree = relation["path_bonds"].long(), relation["degree"].long()
            cases.append(RelationCase(smiles, Data(**features), spd, bonds, degree))
    return cases


def pretraining_model() -> MoleBlendForPretraining:
    model = convert_release(public()["pretrain_state_dict"])
    assert isinstance(model, MoleBlendForPretraining)
    return model


def finetuned_model() -> MoleBlendForPropertyPrediction:
    model = convert_release(public()["finetune_state_dict"])
    assert isinstance(model, MoleBlendForPropertyPrediction)
    return model


def packed(model: MoleBlendForPretraining, modality: str = "2d+3d") -> DenseMolecules:
    r"""The molecules of ``public.pt``, with the Gaussian basis that the distance bias reads."""
    molecules = model.encoder.pack(public_batch(), modality)
    basis = model.encoder.gaussians(pair_distances(molecules.pos), molecules.x[..., 0])
    return molecules.with_pair(GAUSSIANS, basis)


def blend_of(molecules: DenseMolecules) -> Blend:
    r"""The blend that the release drew: one choice of relations for the whole batch."""
    content = public()
    relation = content["blend_choice"].expand(len(content["graphs"]), -1, -1)
    noise = (content["noisy_pos"] - molecules.pos) * molecules.mask[..., None]
    return Blend(relation, content["atom_feature_choice"], noise)


def blended_state(model: MoleBlendForPretraining) -> RecoveryState:
    r"""What the recovery heads see, with the release's own hidden states."""
    molecules = packed(model)
    blend = blend_of(molecules)
    noisy_pos = molecules.pos + blend.pos_noise
    _, bias = model.encoder.tokens_and_bias(molecules._replace(pos=noisy_pos), blend)
    hidden = public()["blended_hidden"]
    return RecoveryState(hidden[:, 0], hidden[:, 1:], bias, molecules, noisy_pos, blend)


def atom_mask() -> Tensor:
    r"""True for real atoms, ``[B, N]``."""
    return public()["mask"]


def token_mask() -> Tensor:
    r"""True for the graph token and real atoms, ``[B, 1 + N]``."""
    return torch.nn.functional.pad(atom_mask(), (1, 0), value=True)


def pair_mask(mask: Tensor) -> Tensor:
    return mask[:, :, None] & mask[:, None, :]


def assert_matches(actual: Tensor, expected: Tensor, where: Tensor | None = None, tolerance: float = 1e-5) -> None:
    r"""Asserts that two tensors agree to a fraction of the largest entry, at the leading indices that are given."""
    if where is not None:
        actual, expected = actual[where], expected[where]
    assert actual.shape == expected.shape
    assert expected.numel() > 0
    largest = expected.abs().max().item()
    worst = (actual.detach() - expected.detach()).abs().max().item()
    assert worst <= tolerance * largest, f"off by {worst:.3g} where the largest entry is {largest:.3g}"
