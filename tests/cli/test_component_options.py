import json

import pytest
import samples
import torch
from torch import Tensor

from pyg_moleblend import components
from pyg_moleblend.cli import main
from pyg_moleblend.cli.component_options import make, make_encoder, make_pretraining, merged
from pyg_moleblend.components import register
from pyg_moleblend.nn import AngleBias, MoleculeBlending, Readout, SPDRecovery
from pyg_moleblend.utils import DenseMolecules

CONFIG = samples.tiny_config()
ALL_2D = {"2d": 1.0}
DEFAULTS = ["spd", "bond_path", "distance"]


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components.REGISTRY, "_classes", dict(components.REGISTRY._classes))


def test_relations_are_added_replaced_and_taken_away():
    assert list(make_encoder(CONFIG, None).modalities) == DEFAULTS
    named = {
        "bond_path": None,
        "angle": {"component": "AngleBias", "arguments": {"num_cosines": 3}},
        "ring": "RingBias",
    }
    encoder = make_encoder(CONFIG, named)
    assert list(encoder.modalities) == ["spd", "distance", "angle", "ring"]
    angle = dict(encoder.attention_bias.blend.items())["angle"]
    assert isinstance(angle, AngleBias)
    assert angle.weight.shape == (3, CONFIG.heads)


def test_pretraining_has_what_is_named():
    model = make_pretraining(
        CONFIG,
        objectives={"displacement": None, "spd": {"component": "SPDRecovery", "arguments": {"num_classes": 4}}},
        blending={"component": "MoleculeBlending", "arguments": {"probabilities": {"2d+3d": 1.0}}},
        loss_weights={"spd": 2.0},
    )
    objectives = dict(model.items())
    assert list(objectives) == ["spd", "bond_path", "denoising"]
    assert isinstance(objectives["spd"], SPDRecovery)
    assert objectives["spd"].num_classes == 4
    assert isinstance(model.blending, MoleculeBlending)
    assert model.loss_weighting.weights == {"spd": 2.0, "bond_path": 0.1, "denoising": 6.0}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (3, "x must be a component's name, or {component: NAME"),
        ({"component": "RingBias", "argument": {}}, "x must be a component's name"),
        ("RingBiass", r"x needs the component 'RingBiass'.*is it 'RingBias'\?"),
        ({"component": "RingBias", "arguments": {"size": 3}}, "x: component 'RingBias' cannot be built: .*'size'"),
        ({"component": "RingBias", "arguments": {"max_ring_size": 2}}, "x: component 'RingBias' cannot be built"),
    ],
    ids=str,
)
def test_what_is_no_component_is_named(entry: object, message: str):
    with pytest.raises(ValueError, match=message):
        make(entry, "x", heads=4)


def test_only_a_default_can_be_taken_away():
    with pytest.raises(ValueError, match=r"relations cannot lose 'angle', they are \['spd'\]"):
        merged({"spd": object()}, {"angle": None}, "relations")


def test_a_readout_with_weights_is_drawn_by_the_seed(table, tmp_path, quiet_words, pretrained_model):
    @register
    class WeighedReadout(Readout):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.out_channels = channels
            self.linear = torch.nn.Linear(channels, channels)

        def forward(self, output: object, molecules: DenseMolecules) -> Tensor:
            return self.linear(output.graph)

    scores = []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)  # what happened before must not count
        words = ["--data", table, "--targets", "gap", "--encoder", pretrained_model, "--readout", "WeighedReadout"]
        words += ["--out", tmp_path / str(number), "--schedule.epochs", "1", "--seed", seed, *quiet_words]
        assert main(["finetune", *map(str, words)]) == 0
        scores.append(json.loads((tmp_path / str(number) / "metrics.json").read_text())["valid"]["rmse"])
    assert scores[0] == scores[1] != scores[2]


def test_dropouts_without_an_encoder_are_refused(table, tmp_path, refused, tiny_words):
    words = ["--data", table, "--targets", "gap", "--out", tmp_path / "run", '--dropouts={"dropout": 0.2}', *tiny_words]
    assert "`dropouts` are those of a loaded encoder" in refused("finetune", *words)


def test_components_within_components_need_no_arguments():
    within = [{"component": "PairBlending"}, {"component": "MoleculeBlending", "arguments": {"probabilities": ALL_2D}}]
    made = make({"component": "MixedBlending", "arguments": {"blendings": within, "weights": [0.5, 0.5]}}, "blending")
    assert [type(blending).__name__ for blending in made.blendings] == ["PairBlending", "MoleculeBlending"]
    with pytest.raises(ValueError, match=r"x\.blendings must be a component's name, or {component: NAME"):
        make({"component": "MixedBlending", "arguments": {"blendings": [{"component": "X", "argument": {}}]}}, "x")
    with pytest.raises(ValueError, match=r"the arguments of x must be {NAME: VALUE, ...}, got \[1\]"):
        make({"component": "PairBlending", "arguments": [1]}, "x")
