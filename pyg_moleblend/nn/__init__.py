r"""Layers of MoleBLEND: tensors in, tensors out. Nothing here knows of datasets or RDKit.

What is open lies in folders, one component a file: :mod:`relations`, :mod:`blending`, :mod:`objectives`,
:mod:`readouts`, :mod:`criteria`. Whole models are next door, in :mod:`pyg_moleblend.models`.
"""

from pyg_moleblend.nn.atom_embedding import AtomEmbedding
from pyg_moleblend.nn.attention import MultiHeadAttention
from pyg_moleblend.nn.attention_bias import AttentionBias, RelationBlend
from pyg_moleblend.nn.blending import (
    BatchBlending,
    Blend,
    Blending,
    MixedBlending,
    MoleculeBlending,
    PairBlending,
    check_blend,
    constant_blend,
)
from pyg_moleblend.nn.conv import MoleBlendConv
from pyg_moleblend.nn.criteria import (
    BCE,
    MAE,
    MSE,
    Criterion,
    Evidential,
    Focal,
    Gaussian,
    Huber,
    Quantile,
)
from pyg_moleblend.nn.denoising_head import DenoisingHead
from pyg_moleblend.nn.drop_path import DropPath
from pyg_moleblend.nn.gaussian_basis import GaussianBasis
from pyg_moleblend.nn.layer import MoleBlendLayer
from pyg_moleblend.nn.loss_weighting import FixedWeights, LossWeighting, UncertaintyWeights
from pyg_moleblend.nn.objectives import (
    Agreement,
    AngleRecovery,
    BondPathRecovery,
    Denoising,
    DisplacementRecovery,
    DistanceRecovery,
    Objective,
    Outcome,
    Quality,
    Recover,
    RecoveryState,
    Similarity,
    SPDRecovery,
    TorsionRecovery,
)
from pyg_moleblend.nn.pair_head import PairHead
from pyg_moleblend.nn.readouts import EnvironmentReadout, GraphTokenReadout, JoinedReadout, PooledReadout, Readout
from pyg_moleblend.nn.relations import (
    AngleBias,
    BondPathBias,
    DistanceBias,
    FragmentBias,
    RandomWalkBias,
    RelationBias,
    ResistanceBias,
    RingBias,
    SPDBias,
    TorsionBias,
)

__all__ = [
    "BCE",
    "MAE",
    "MSE",
    "Agreement",
    "AngleBias",
    "AngleRecovery",
    "AtomEmbedding",
    "AttentionBias",
    "BatchBlending",
    "Blend",
    "Blending",
    "BondPathBias",
    "BondPathRecovery",
    "Criterion",
    "Denoising",
    "DenoisingHead",
    "DisplacementRecovery",
    "DistanceBias",
    "DistanceRecovery",
    "DropPath",
    "EnvironmentReadout",
    "Evidential",
    "FixedWeights",
    "Focal",
    "FragmentBias",
    "Gaussian",
    "GaussianBasis",
    "GraphTokenReadout",
    "Huber",
    "JoinedReadout",
    "LossWeighting",
    "MixedBlending",
    "MoleBlendConv",
    "MoleBlendLayer",
    "MoleculeBlending",
    "MultiHeadAttention",
    "Objective",
    "Outcome",
    "PairBlending",
    "PairHead",
    "PooledReadout",
    "Quality",
    "Quantile",
    "RandomWalkBias",
    "Readout",
    "Recover",
    "RecoveryState",
    "RelationBias",
    "RelationBlend",
    "ResistanceBias",
    "RingBias",
    "SPDBias",
    "SPDRecovery",
    "Similarity",
    "TorsionBias",
    "TorsionRecovery",
    "UncertaintyWeights",
    "check_blend",
    "constant_blend",
]
