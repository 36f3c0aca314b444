r"""Models that hold classes of their user's, saved and loaded again."""

import importlib
import json
import sys
import textwrap
from pathlib import Path

import pytest
import samples
import torch
from torch import Tensor, nn

from pyg_moleblend import components
from pyg_moleblend.checkpoints import encoder_from_pretrained, from_pretrained, read_metadata, save_pretrained
from pyg_moleblend.components import UnknownComponentError, describe, register
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendConfig,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_objectives,
    default_relations,
)
from pyg_moleblend.nn import (
    Blend,
    Blending,
    BondPathBias,
    BondPathRecovery,
    DistanceBias,
    DistanceRecovery,
    MixedBlending,
    MoleculeBlending,
    PairBlending,
    PooledReadout,
    RelationBias,
    SPDBias,
    SPDRecovery,
    UncertaintyWeights,
    constant_blend,
)


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    r"""What a test registers is forgotten afterwards."""
    monkeypatch.setattr(components.REGISTRY, "_classes", dict(components.REGISTRY._classes))


class Hops(RelationBias):
    r"""A slope over the shortest path, under whatever name."""

    pair_fields = ("spd",)

    def __init__(self, heads: int, scale: float = 1.0) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.empty(heads))
        self.scale = scale
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.slope)

    def forward(self, molecules) -> Tensor:
        return self.scale * self.slope[:, None, None] * molecules.pairs["spd"].clamp(max=9)[:, None]


class Closeness(RelationBias):
    modality = "3d"

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.ones(heads))

    def forward(self, molecules) -> Tensor:
        return -self.slope[:, None, None] * torch.cdist(molecules.pos, molecules.pos)[:, None]


class HopsAgain(SPDRecovery):
    def __init__(self, channels: int, num_classes: int = 3) -> None:
        super().__init__(channels, num_classes, pair_channels=4)


class Everywhere(Blending):
    def __init__(self, name: str) -> None:
        self.name = name

    def draw(self, molecules, relations, generator=None) -> Blend:
        return constant_blend(molecules, list(relations).index(self.name), 0)


class Elements(nn.Module):
    r"""An atom embedding without a base class."""

    def __init__(self, channels: int, num_elements: int = 119) -> None:
        super().__init__()
        self.table = nn.Embedding(num_elements, channels)

    def forward(self, molecules) -> Tensor:
        return self.table(molecules.x[..., 0])


OWN = [Hops, Closeness, HopsAgain, Everywhere]


def batch():
    return samples.batch_of(samples.molecules(4))


def assert_same_model(again: nn.Module, model: nn.Module) -> None:
    assert describe(again) == describe(model)
    assert type(again) is type(model)
    assert [type(module) for module in again.modules()] == [type(module) for module in model.modules()]
    assert list(again.state_dict()) == list(model.state_dict())
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
    if isinstance(model, MoleBlendForPretraining):
        first, second = (each(batch(), generator=torch.Generator().manual_seed(0)) for each in (model, again))
        assert all(torch.equal(a, b) for a, b in zip(first.blend, second.blend, strict=True))
        assert first.losses == second.losses
        assert first.loss == second.loss
    elif isinstance(model, MoleBlend):
        assert torch.equal(model(batch()).graph, again(batch()).graph)
    else:
        assert torch.equal(model(batch()), again(batch()))


def stock_names() -> MoleBlend:
    r"""The names of the package's relations, in another order, for classes of others."""
    config = samples.tiny_config()
    relations = {"distance": Hops(4, scale=0.5), "bond_path": SPDBias(4), "spd": Closeness(4)}
    return samples.randomized(MoleBlend(config, relations))


def test_stock_names_for_other_classes_come_back_as_those_classes(tmp_path: Path):
    model = stock_names()
    again = from_pretrained(save_pretrained(model, tmp_path), components=OWN)
    assert list(again.modalities.items()) == [("distance", "2d"), ("bond_path", "2d"), ("spd", "3d")]
    relations = dict(again.attention_bias.blend.items())
    assert {name: type(relation) for name, relation in relations.items()} == {
        "distance": Hops, "bond_path": SPDBias, "spd": Closeness,
    }  # fmt: skip
    assert relations["distance"].scale == 0.5
    assert_same_model(again, model)


@pytest.mark.parametrize("order", [("distance", "spd", "bond_path"), ("bond_path", "distance", "spd")])
def test_relations_keep_their_order_and_so_a_blend_its_meaning(order: tuple[str, ...], tmp_path: Path):
    config = samples.tiny_config()
    stock = default_relations(config)
    encoder = MoleBlend(config, {name: stock[name] for name in order})
    model = samples.randomized(MoleBlendForPretraining(config, encoder))
    again = from_pretrained(save_pretrained(model, tmp_path))
    assert list(again.modalities) == list(order)
    assert_same_model(again, model)
    blend = constant_blend(model.pack(batch()), order.index("bond_path"), 0)
    assert torch.equal(model(batch(), blend).loss, again(batch(), blend).loss)


def test_a_model_of_nothing_but_own_classes(tmp_path: Path):
    config = samples.tiny_config()
    objectives = {"again": HopsAgain(16), "distance": DistanceRecovery(16), "spd": HopsAgain(16, num_classes=5)}
    model = MoleBlendForPretraining(
        config, stock_names(), objectives, Everywhere("spd"), UncertaintyWeights(["spd", "again", "distance"])
    )
    save_pretrained(samples.randomized(model), tmp_path)
    again = from_pretrained(tmp_path, components=OWN)
    assert list(again.objectives) == ["again", "distance", "spd"]
    assert (again(batch()).blend.relation == 2).all()
    assert_same_model(again, model)


def test_a_mixture_of_all_kinds(tmp_path: Path):
    config = samples.tiny_config()
    relations = {**default_relations(config), "hops": Hops(4), "own basis": DistanceBias(4, 6, num_types=119)}
    blending = MixedBlending(
        [PairBlending({"spd": 0.2, "hops": 0.4, "own basis": 0.2}, none=0.2), MoleculeBlending({"2d+3d": 1.0})],
        [0.75, 0.25],
    )
    objectives = {**default_objectives(config), "again": HopsAgain(16)}
    model = MoleBlendForPretraining(config, MoleBlend(config, relations), objectives, blending, {"again": 0.25})
    save_pretrained(samples.randomized(model), tmp_path, {"run": 3})
    again = from_pretrained(tmp_path, components=[HopsAgain, Hops])
    assert again.loss_weighting.weights["again"] == 0.25
    assert read_metadata(tmp_path) == {"run": 3}
    assert_same_model(again, model)


@pytest.mark.parametrize("kind", ["registered", "passed"])
def test_an_atom_embedding_without_a_base_class(kind: str, tmp_path: Path):
    cls = register("tests-elements")(type("Elements", (Elements,), {"__qualname__": "registered.Elements"}))
    config = samples.tiny_config()
    encoder = MoleBlend(config, atom_embedding=cls(16, num_elements=119))
    model = samples.randomized(MoleBlendForPropertyPrediction(config, 1, encoder, PooledReadout(16, 5.0)))
    save_pretrained(model, tmp_path)
    again = from_pretrained(tmp_path, components=[cls] if kind == "passed" else [])
    assert again.readout.sum_scale == 5.0
    assert again.encoder.feature_sizes is None
    assert_same_model(again, model)


def test_a_module_that_is_no_component_is_refused_before_anything_is_written(tmp_path: Path):
    config = samples.tiny_config()
    model = MoleBlend(config, atom_embedding=Elements(16))
    with pytest.raises(ValueError, match=r"MoleBlend\(atom_embedding=\.\.\.\) cannot be saved: an argument must be"):
        save_pretrained(model, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_unknown_class_is_told_with_its_file_and_remedies(tmp_path: Path):
    save_pretrained(stock_names(), tmp_path)
    with pytest.raises(UnknownComponentError) as raised:
        from_pretrained(tmp_path, components=[Closeness])
    message = str(raised.value)
    for words in ("'Hops'", str(tmp_path / "config.json"), "@register", "components=[Hops]", "--plugin FILE.py"):
        assert words in message


def test_the_encoder_of_a_model_whose_objective_nobody_knows(tmp_path: Path):
    config = samples.tiny_config()
    objectives = {**default_objectives(config), "again": HopsAgain(16)}
    blending = MixedBlending([Everywhere("spd")], [1.0])
    model = samples.randomized(MoleBlendForPretraining(config, None, objectives, blending))
    save_pretrained(model, tmp_path)
    with pytest.raises(UnknownComponentError, match="'HopsAgain'"):
        from_pretrained(tmp_path)
    encoder = encoder_from_pretrained(tmp_path)
    assert not encoder.training
    assert_same_model(encoder, model.encoder)


def test_the_encoder_is_asked_for_its_own_classes_alone(tmp_path: Path):
    config = samples.tiny_config()
    objectives = {"again": HopsAgain(16)}
    blending = PairBlending({"distance": 1.0})
    model = samples.randomized(MoleBlendForPretraining(config, stock_names(), objectives, blending))
    save_pretrained(model, tmp_path)
    with pytest.raises(UnknownComponentError, match="'Hops'"):
        encoder_from_pretrained(tmp_path)
    assert_same_model(encoder_from_pretrained(tmp_path, components=[Hops, Closeness]), model.encoder)


class Scaled(MoleBlend):
    r"""A subclass whose constructor takes other arguments and makes its relations itself."""

    def __init__(self, config: MoleBlendConfig, scale: float = 2.0) -> None:
        super().__init__(config, {"spd": SPDBias(config.heads), "hops": Hops(config.heads, scale)})


class WithMore(MoleBlendForPropertyPrediction):
    r"""A subclass that takes one argument more."""

    def __init__(self, config: MoleBlendConfig, num_tasks: int, encoder=None, factor: float = 1.0) -> None:
        super().__init__(config, num_tasks, encoder)
        self.factor = factor

    def forward(self, *args, **kwargs) -> Tensor:
        return self.factor * super().forward(*args, **kwargs)


def test_subclasses_of_models_are_saved_with_the_arguments_that_they_take(tmp_path: Path):
    config = samples.tiny_config()
    model = samples.randomized(WithMore(config, 2, Scaled(config, scale=0.5), factor=3.0))
    save_pretrained(model, tmp_path)
    arguments = json.loads((tmp_path / "config.json").read_text())["model"]["arguments"]
    assert arguments.keys() == {"config", "num_tasks", "encoder", "factor"}
    assert arguments["encoder"]["arguments"].keys() == {"config", "scale"}
    again = from_pretrained(tmp_path, components=[WithMore, Scaled, Hops])
    assert again.factor == 3.0
    assert again.encoder.attention_bias.blend.relations["hops"].scale == 0.5
    assert_same_model(again, model)


def test_what_a_default_stood_for_is_saved(tmp_path: Path):
    r"""A later version may have other default relations and objectives; what was saved does not change with it."""
    save_pretrained(MoleBlendForPretraining(samples.tiny_config()), tmp_path)
    arguments = json.loads((tmp_path / "config.json").read_text())["model"]["arguments"]
    assert list(arguments["objectives"]) == ["spd", "bond_path", "displacement", "denoising"]
    assert list(arguments["encoder"]["arguments"]["relations"]) == ["spd", "bond_path", "distance"]
    assert arguments["encoder"]["arguments"]["atom_embedding"]["component"] == "AtomEmbedding"
    assert arguments["blending"]["arguments"]["probabilities"] == {"spd": 0.2, "bond_path": 0.2, "distance": 0.6}
    assert arguments["loss_weights"]["component"] == "FixedWeights"
    assert None not in arguments.values()


def test_a_changed_part_is_saved_as_it_is_now(tmp_path: Path):
    model = samples.randomized(MoleBlendForPretraining(samples.tiny_config()))
    model.blending = PairBlending({"spd": 0.5, "distance": 0.5}, noise_scale=0.0)
    model.objectives["denoising"] = DistanceRecovery(16)
    model.encoder = samples.randomized(MoleBlend(model.config, {"distance": DistanceBias(4, 8), "spd": SPDBias(4)}))
    again = from_pretrained(save_pretrained(model, tmp_path))
    assert again.blending.noise_scale == 0.0
    assert type(again.objectives["denoising"]) is DistanceRecovery
    assert list(again.modalities) == ["distance", "spd"]
    assert_same_model(again, model)


def test_a_graph_of_other_bonds(tmp_path: Path):
    config = samples.tiny_config()
    encoder = MoleBlend(config, default_relations(config, bond_vocabulary=4))
    objectives = {"bond_path": BondPathRecovery(16, vocabulary=4)}
    model = samples.randomized(MoleBlendForPretraining(config, encoder, objectives))
    again = from_pretrained(save_pretrained(model, tmp_path))
    relation = again.encoder.attention_bias.blend.relations["bond_path"]
    assert isinstance(relation, BondPathBias)
    assert (relation.bond_vocabulary, again.wanted.bond_vocabulary) == (4, 4)
    assert describe(again) == describe(model)


def test_a_process_that_has_imported_the_class_needs_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.py").write_text(
        textwrap.dedent(
            """
            import torch
            from pyg_moleblend.components import register
            from pyg_moleblend.nn import RelationBias

            @register
            class Mine(RelationBias):
                pair_fields = ("spd",)

                def __init__(self, heads, power=1):
                    super().__init__()
                    self.weight = torch.nn.Parameter(torch.ones(heads))
                    self.power = power

                def forward(self, molecules):
                    return self.weight[:, None, None] * molecules.pairs["spd"].float()[:, None] ** self.power
            """
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    config, known = samples.tiny_config(), dict(components.REGISTRY._classes)
    mine = importlib.import_module("mine")
    save_pretrained(MoleBlend(config, {"mine": mine.Mine(4, power=2)}), tmp_path / "saved")
    components.REGISTRY._classes.clear()  # as in a process that has not imported it yet
    components.REGISTRY._classes.update(known)
    del sys.modules["mine"]
    with pytest.raises(UnknownComponentError, match="'Mine'"):
        from_pretrained(tmp_path / "saved")
    assert "mine" not in sys.modules  # no file makes a module be imported
    importlib.import_module("mine")
    assert from_pretrained(tmp_path / "saved").attention_bias.blend.relations["mine"].power == 2
    del sys.modules["mine"]


class ByPlace(RelationBias):
    r"""Its arguments have places and no names; it shares a weight and has buffers of several types."""

    pair_fields = ("spd",)

    def __init__(self, heads: int, scale: float = 2.0, /) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(heads, heads), nn.Linear(heads, heads)
        self.second.weight = self.first.weight
        self.scale = scale
        self.register_buffer("shift", torch.full((), 0.1, dtype=torch.float64))
        self.register_buffer("absent", None)

    def forward(self, molecules) -> Tensor:
        hops = molecules.pairs["spd"].clamp(max=9)[..., None].to(self.first.weight.dtype) / 9
        hops = hops.expand(*hops.shape[:-1], self.first.in_features)
        return (self.scale * self.second(self.first(hops)) + self.shift.to(hops.dtype)).permute(0, 3, 1, 2)


def test_places_buffers_and_shared_weights_come_back(tmp_path: Path):
    encoder = samples.randomized(MoleBlend(samples.tiny_config(), {"own": ByPlace(4, 0.5)}))
    again = from_pretrained(save_pretrained(encoder, tmp_path), components=[ByPlace])
    assert_same_model(again, encoder)
    own = again.attention_bias.blend.relations["own"]
    assert own.second.weight is own.first.weight
    assert own.shift.dtype == torch.float64


def test_a_part_that_stands_in_two_places_is_shared_again(tmp_path: Path):
    config, shared = samples.tiny_config(), Hops(4)
    encoder = MoleBlend(config, {"one": shared, "two": shared, "three": Hops(4)})
    model = samples.randomized(MoleBlendForPropertyPrediction(config, 1, encoder))
    save_pretrained(model, tmp_path)
    whole = from_pretrained(tmp_path, components=[Hops])
    assert torch.equal(whole(batch()), model(batch()))
    for again in (whole.encoder, encoder_from_pretrained(tmp_path, components=[Hops])):
        relations = again.attention_bias.blend.relations
        assert relations["one"].slope is relations["two"].slope
        assert relations["one"].slope is not relations["three"].slope
    description = json.loads((tmp_path / "config.json").read_text())
    description["tied"] = [["encoder.nowhere", "out.bias"]]
    (tmp_path / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match=r"is damaged: the model has no parameters \['encoder.nowhere'\]"):
        from_pretrained(tmp_path, components=[Hops])


def test_weights_of_double_precision_are_not_rounded(tmp_path: Path):
    encoder = samples.randomized(stock_names()).double()
    again = from_pretrained(save_pretrained(encoder, tmp_path), components=OWN)
    assert {value.dtype for value in again.state_dict().values()} == {torch.float64}
    assert_same_model(again, encoder)


class Doubled(nn.Module):
    r"""An encoder around an encoder."""

    def __init__(self, channels: int, encoder: nn.Module) -> None:
        super().__init__()
        self.channels, self.encoder = channels, encoder

    def encode(self, molecules, blend=None):
        output = self.encoder.encode(molecules, blend)
        return output._replace(graph=2 * output.graph)


class Fixed(MoleBlendForPropertyPrediction):
    r"""Makes its encoder itself."""

    def __init__(self, config: MoleBlendConfig) -> None:
        super().__init__(config, 1)


def test_the_encoder_is_the_outermost_one(tmp_path: Path):
    cls = register("tests-doubled")(Doubled)
    config = samples.tiny_config()
    inner = samples.randomized(MoleBlend(config))
    doubled = cls(16, inner)
    for number, model in enumerate((doubled, MoleBlendForPropertyPrediction(config, 1, doubled))):
        found = encoder_from_pretrained(save_pretrained(model, tmp_path / str(number)))
        assert type(found) is cls
        assert torch.equal(found.encode(inner.pack(batch())).graph, 2 * inner(batch()).graph)


def test_the_encoder_of_a_model_that_makes_it_itself(tmp_path: Path):
    model = samples.randomized(Fixed(samples.tiny_config()))
    assert_same_model(encoder_from_pretrained(save_pretrained(model, tmp_path), components=[Fixed]), model.encoder)


def test_metadata_and_state_that_cannot_be_written_are_refused(tmp_path: Path):
    model = MoleBlend(samples.tiny_config())
    with pytest.raises(ValueError, match="`metadata` must be JSON values"):
        save_pretrained(model, tmp_path / "new", {"set": {1}})

    class WithState(Hops):
        def get_extra_state(self) -> dict[str, int]:
            return {"steps": 3}

    model = MoleBlend(samples.tiny_config(), {"own": WithState(4)})
    with pytest.raises(ValueError, match="_extra_state cannot be saved: weights must be tensors, got dict"):
        save_pretrained(model, tmp_path / "new")
    assert not (tmp_path / "new").exists()
