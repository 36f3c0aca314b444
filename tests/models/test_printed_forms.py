r"""What `print` says of every public module: the arguments that build it."""

import pytest
import samples
import torch
from torch import Tensor, nn

from pyg_moleblend import models
from pyg_moleblend import nn as layers
from pyg_moleblend.components import Component, describe
from pyg_moleblend.nn import RelationBias
from pyg_moleblend.utils import DenseMolecules

PRINTED = {
    "AtomEmbedding(channels=8, num_gaussians=4, feature_sizes=(28, 3))": lambda: layers.AtomEmbedding(8, 4, (28, 3)),
    "SPDBias(heads=4)": lambda: layers.SPDBias(4),
    "BondPathBias(heads=4, max_path_length=5, bond_vocabulary=7)": lambda: layers.BondPathBias(4, bond_vocabulary=7),
    "DistanceBias(heads=4, num_gaussians=6, num_types=None)": lambda: layers.DistanceBias(4, 6),
    "SPDRecovery(channels=8, num_classes=11, pair_channels=32": lambda: layers.SPDRecovery(8),
    "BondPathRecovery(channels=8, max_path_length=3, vocabulary='release', pair_channels=4": lambda: (
        layers.BondPathRecovery(8, 3, "release", 4)
    ),
    "DisplacementRecovery(channels=8, pair_channels=4": lambda: layers.DisplacementRecovery(8, 4),
    "DistanceRecovery(channels=8, pair_channels=4": lambda: layers.DistanceRecovery(8, 4),
    "Denoising(channels=8, heads=2, dropout=0.1)": lambda: layers.Denoising(8, 2),
    "GraphTokenReadout(channels=8)": lambda: layers.GraphTokenReadout(8),
    "PooledReadout(channels=8, sum_scale=5)": lambda: layers.PooledReadout(8, 5),
    "FixedWeights(weights={'a': 1.0})": lambda: layers.FixedWeights({"a": 1.0}),
    "UncertaintyWeights(names=['a', 'b'])": lambda: layers.UncertaintyWeights(["a", "b"]),
    "PairBlending(\n  probabilities={'spd': 0.5, '2d': 0.5},\n  none=0.0,\n"
    "  atom_features={'degree': 0.4, 'distance': 0.6},\n  noise_scale=0.2,\n)": lambda: layers.PairBlending(
        {"spd": 0.5, "2d": 0.5}
    ),
    "MoleBlendLayer(8, heads=2, ffn_channels=12, dropout=0.1, attention_dropout=0.2, activation_dropout=0.3, "
    "drop_path=0.4)": lambda: layers.MoleBlendLayer(8, 2, 12, 0.1, 0.2, 0.3, 0.4),
    "MultiHeadAttention(8, heads=2, dropout=0.1)": lambda: layers.MultiHeadAttention(8, 2, 0.1),
    "GaussianBasis(6, num_types=119)": lambda: layers.GaussianBasis(6),
    "PairHead(8, 3, pair_channels=32)": lambda: layers.PairHead(8, 3),
    "DenoisingHead(8, heads=2, dropout=0.1)": lambda: layers.DenoisingHead(8, 2),
    "DropPath(probability=0.1)": lambda: layers.DropPath(0.1),
    "MoleBlendConv(8, heads=2, relations=['spd', 'bond_path', 'distance'])": lambda: layers.MoleBlendConv(8, 2),
}

TREE = """\
AttentionBias(
  heads=4
  (blend): RelationBlend(
    (relations): ModuleDict(
      (spd): SPDBias(heads=4)
      (own): SPDBias(heads=4)
    )
  )
)"""

ENCODER = """\
MoleBlend(
  config=MoleBlendConfig(
    channels=16,
    num_layers=2,
    heads=4,
    ffn_channels=24,
    num_gaussians=8,
    max_path_length=5,
    dropout=0.0,
    attention_dropout=0.1,
    activation_dropout=0.1,
    drop_path=0.0,
  ),
  relations={
    'spd': SPDBias(heads=4),
    'bond_path': BondPathBias(heads=4, max_path_length=5, bond_vocabulary='ogb'),
    'distance': DistanceBias(heads=4, num_gaussians=8, num_types=None),
  },
  atom_embedding=AtomEmbedding(channels=16, num_gaussians=8, feature_sizes=(119, 5, 12, 12, 10, 6, 6, 2, 2)),
)"""


@pytest.mark.parametrize("printed", PRINTED)
def test_modules_print_what_builds_them(printed: str):
    assert str(PRINTED[printed]()).startswith(printed)


@pytest.mark.parametrize("make", PRINTED.values(), ids=PRINTED)
def test_what_a_component_prints_builds_its_like(make):
    component = make()
    if isinstance(component, Component):
        again = eval(repr(component), vars(layers))
        assert describe(again) == describe(component)
        assert repr(again) == repr(component)


def test_biases_print_their_relations():
    assert str(layers.AttentionBias({"spd": layers.SPDBias(4), "own": layers.SPDBias(4)}, 4)) == TREE


def test_models_print_their_parts():
    config = samples.tiny_config()
    encoder = models.MoleBlend(config)
    assert str(encoder) == ENCODER
    names = {**vars(layers), **vars(models)}
    wholes = [encoder, models.MoleBlendForPropertyPrediction(config, 3), samples.tiny_pretraining(config)]
    for model in wholes:
        assert describe(eval(repr(model), names)) == describe(model)
        assert max(map(len, repr(model).splitlines())) <= 125
    explainable = models.Explainable(wholes[1], task=2)
    assert str(explainable) == "Explainable(MoleBlendForPropertyPrediction, task=2, modality='2d+3d')"


def test_modules_of_ones_own_print_as_they_like():
    class PrintedBias(RelationBias):
        def __init__(self, heads: int, slopes: list[float] = (), *, config: object = None) -> None:
            super().__init__()
            self.linear = nn.Linear(1, heads)

        def forward(self, molecules: DenseMolecules) -> Tensor:
            return molecules.pos.new_zeros(1, 1, 1, 1)

    assert str(PrintedBias(2, [0.5])) == "PrintedBias(heads=2, slopes=[0.5], config=None)"
    assert str(PrintedBias(2, config=samples.tiny_config())).count("\n") > 10
    assert "a" * 200 in str(PrintedBias(2, ["a" * 200]))
    unknown = PrintedBias(2)
    del unknown.__dict__["_component_arguments"]
    assert str(unknown) == "PrintedBias(...)"
    assert str(torch.nn.ModuleDict({"a": PrintedBias(2)})).startswith("ModuleDict(\n  (a): PrintedBias(heads=2")
