r"""Layers of MoleBLEND: tensors in, tensors out. Nothing here knows of datasets or RDKit."""

from pyg_moleblend.nn.atom_embedding import AtomEmbedding
from pyg_moleblend.nn.attention import MultiHeadAttention
from pyg_moleblend.nn.attention_bias import AttentionBias, RelationBlend
from pyg_moleblend.nn.blending.blend import Blend, BlendScope, check_blend, constant_blend, draw_blend
from pyg_moleblend.nn.conv import MoleBlendConv
from pyg_moleblend.nn.denoising_head import DenoisingHead
from pyg_moleblend.nn.drop_path import DropPath
from pyg_moleblend.nn.gaussian_basis import GaussianBasis
from pyg_moleblend.nn.layer import MoleBlendLayer
from pyg_moleblend.nn.objectives.base import Objective, Outcome, Quality, RecoveryState
from pyg_moleblend.nn.objectives.denoising import Denoising
from pyg_moleblend.nn.objectives.recovery import (
    BondPathRecovery,
    DisplacementRecovery,
    DistanceRecovery,
    SPDRecovery,
)
from pyg_moleblend.nn.pair_head import PairHead
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.relations.bond_path import BondPathBias
from pyg_moleblend.nn.relations.distance import DistanceBias
from pyg_moleblend.nn.relations.spd import SPDBias

__all__ = [
    "AtomEmbedding",
    "AttentionBias",
    "Blend",
    "BlendScope",
    "BondPathBias",
    "BondPathRecovery",
    "Denoising",
    "DenoisingHead",
    "DisplacementRecovery",
    "DistanceBias",
    "DistanceRecovery",
    "DropPath",
    "GaussianBasis",
    "MoleBlendConv",
    "MoleBlendLayer",
    "MultiHeadAttention",
    "Objective",
    "Outcome",
    "PairHead",
    "Quality",
    "RecoveryState",
    "RelationBias",
    "RelationBlend",
    "SPDBias",
    "SPDRecovery",
    "check_blend",
    "constant_blend",
    "draw_blend",
]
