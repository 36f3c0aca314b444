r"""What the packaged encoders are and learn."""

from __future__ import annotations

from pyg_moleblend.chem.quantum import CHARGES, PROPERTIES
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining
from pyg_moleblend.nn import (
    BondPathRecovery,
    Denoising,
    DistanceRecovery,
    MixedBlending,
    MoleculeBlending,
    PairBlending,
    Recover,
    SPDRecovery,
)
from pyg_moleblend.transforms import AddDescriptors

SIZES = {
    "moleblend-tiny": MoleBlendConfig(
        channels=128, num_layers=4, heads=8, ffn_channels=256, attention_dropout=0.0, activation_dropout=0.0
    )
}

WEIGHTS = {
    "spd": 0.5,
    "bond_path": 0.5,
    "distance": 0.5,
    "denoising": 1.0,
    "descriptors": 2.0,
    "morgan": 5.0,
    "atom_pair": 5.0,
    "quantum": 4.0,
    "charges": 1.0,
}

NUM_PAIRS = 96
r"""Pairs of a molecule that are recovered in a step."""


def model_to_train(name: str) -> MoleBlendForPretraining:
    r"""A fresh model of one of :data:`SIZES`: relations recovered from blended molecules, and what the graph token and
    the atoms learn beside them, from the same input."""
    config, targets = SIZES[name], AddDescriptors()
    channels = config.channels
    objectives = {
        "spd": SPDRecovery(channels, num_pairs=NUM_PAIRS),
        "bond_path": BondPathRecovery(channels, config.max_path_length, "ogb", num_pairs=NUM_PAIRS),
        "distance": DistanceRecovery(channels, num_pairs=NUM_PAIRS),
        "denoising": Denoising(channels, config.heads),
        "descriptors": Recover("graph", "descriptors", channels, len(targets.names), hidden_channels=2 * channels),
        "morgan": Recover("graph", "morgan_bits", channels, targets.size, "bits", 2 * channels),
        "atom_pair": Recover("graph", "atom_pair_bits", channels, targets.size, "bits", 2 * channels),
        "quantum": Recover("graph", "quantum_properties", channels, len(PROPERTIES)),
        "charges": Recover("atom", "quantum_charges", channels, len(CHARGES)),
    }
    pair_by_pair = PairBlending({"spd": 0.25, "bond_path": 0.25, "distance": 0.4}, none=0.1)
    whole = MoleculeBlending({"2d": 0.6, "2d+3d": 0.2, "3d": 0.1}, none=0.1)  # as the encoder is used afterwards
    return MoleBlendForPretraining(
        config, objectives=objectives, blending=MixedBlending([pair_by_pair, whole], [0.4, 0.6]), loss_weights=WEIGHTS
    )
