import pytest
import samples
from torch import nn

from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import (
    BondPathBias,
    BondPathRecovery,
    Denoising,
    DistanceBias,
    DistanceRecovery,
    MixedBlending,
    MoleBlendConv,
    Objective,
    PooledReadout,
    RelationBias,
    SPDBias,
    SPDRecovery,
)
from pyg_moleblend.nn.checks import check_built_for, named_parts


@pytest.mark.parametrize(
    ("kind", "arguments", "name"),
    [
        (SPDRecovery, {"channels": 0}, "channels"),
        (SPDRecovery, {"channels": 4, "num_classes": 0}, "num_classes"),
        (SPDRecovery, {"channels": 4, "num_classes": -3}, "num_classes"),
        (SPDRecovery, {"channels": 4, "pair_channels": 0}, "pair_channels"),
        (BondPathRecovery, {"channels": 4, "max_path_length": 0}, "max_path_length"),
        (DistanceRecovery, {"channels": 4, "pair_channels": -3}, "pair_channels"),
        (SPDBias, {"heads": 0}, "heads"),
        (BondPathBias, {"heads": 4, "max_path_length": 0}, "max_path_length"),
        (DistanceBias, {"heads": 4, "num_gaussians": -3}, "num_gaussians"),
    ],
)
def test_parts_of_no_size_are_refused_and_the_argument_is_named(kind: type, arguments: dict[str, int], name: str):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least 1, got {arguments[name]}"):
        kind(**arguments)


CONFIG = samples.tiny_config()
NO_NAMES = ["type", "training", "items", "forward", "a.b", "", 3, None]


def pretraining(**arguments: object) -> MoleBlendForPretraining:
    return MoleBlendForPretraining(CONFIG, **arguments)


def predictor(**arguments: object) -> MoleBlendForPropertyPrediction:
    return MoleBlendForPropertyPrediction(CONFIG, 1, **arguments)


@pytest.mark.parametrize("name", NO_NAMES, ids=str)
def test_what_cannot_be_a_name_is_refused(name: object):
    with pytest.raises(
        ValueError, match=f"{name!r} cannot be the name of one of the relations: it must be a text without dots"
    ):
        MoleBlend(CONFIG, {name: SPDBias(4)})
    with pytest.raises(ValueError, match=f"{name!r} cannot be the name of one of the relations"):
        MoleBlendConv(8, 4, relations={name: SPDBias(4)})
    with pytest.raises(ValueError, match=f"{name!r} cannot be the name of one of the objectives"):
        pretraining(objectives={name: SPDRecovery(16)})


@pytest.mark.parametrize("name", ["2d", "3d", "2d+3d"])
def test_what_a_blending_gives_a_meaning_is_no_relations_name(name: str):
    with pytest.raises(ValueError, match="are taken, too"):
        MoleBlend(CONFIG, {name: SPDBias(4)})
    assert list(pretraining(objectives={name: SPDRecovery(16)}).objectives) == [name]


def test_names_and_order_are_kept():
    parts = named_parts("relation", {"z": SPDBias(4), "a b": SPDBias(4), "spd": SPDBias(4)}, RelationBias)
    assert list(parts) == ["z", "a b", "spd"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MoleBlend(CONFIG, [SPDBias(4)]), r"relations must be a mapping, \{name: relation\}, got list"),
        (lambda: MoleBlend(CONFIG, {"a": SPDBias}), "relation 'a' must be .*RelationBias, got the class SPDBias"),
        (lambda: MoleBlend(CONFIG, {"a": nn.Linear(2, 2)}), "relation 'a' must be .*RelationBias, got Linear"),
        (lambda: MoleBlend({"channels": 16}), "`config` must be a MoleBlendConfig, got dict"),
        (lambda: pretraining(objectives=[SPDRecovery(16)]), "objectives must be a mapping"),
        (lambda: pretraining(objectives={"a": SPDBias(4)}), "objective 'a' must be .*Objective, got SPDBias"),
        (lambda: pretraining(encoder=nn.Linear(2, 2)), r"the encoder must be .* encode\(.*, got Linear"),
        (lambda: predictor(encoder=MoleBlend), r"the encoder must be .* encode\(.*, got MoleBlend"),
        (lambda: predictor(readout=PooledReadout), "the readout must be a Readout that says its `out_channels`"),
        (lambda: predictor(readout=nn.Linear(16, 1)), "the readout must be a Readout that says its `out_channels`"),
        (lambda: predictor(blending={"spd": 1.0}), "the blending must be a Blending, such as PairBlending"),
        (lambda: pretraining(blending={"spd": 1.0}), "the blending must be a Blending, such as PairBlending"),
        (lambda: MixedBlending(["PairBlending"], [1.0]), "`blendings` must be Blendings, got 'PairBlending'"),
        (lambda: pretraining(loss_weights=[1.0]), "`loss_weights` must be a mapping"),
    ],
)
def test_a_part_of_another_kind_is_refused_where_the_model_is_built(build, message: str):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MoleBlend(CONFIG, {"a": SPDBias(8)}), "relation 'a' was built for heads=8, but its model has heads=4"),
        (lambda: MoleBlendConv(8, 4, relations={"a": SPDBias(2)}), "relation 'a' was built for heads=2"),
        (lambda: pretraining(objectives={"a": SPDRecovery(32)}), "objective 'a' was built for channels=32"),
        (lambda: predictor(readout=PooledReadout(32)), "the readout was built for channels=32"),
        (lambda: pretraining(objectives={"a": BondPathRecovery(16, 7)}), r"'a' \(BondPathRecovery\) looks at 7 bonds"),
        (lambda: MoleBlend(CONFIG, {"a": BondPathBias(4, 7)}), r"'a' \(BondPathBias\) looks at 7 bonds"),
    ],
)
def test_a_part_of_another_size_is_refused_where_the_model_is_built(build, message: str):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MoleBlend(CONFIG, {"a": DistanceBias(4)}), r"DistanceBias\(heads, num_gaussians=8\)"),
        (lambda: pretraining(objectives={"a": Denoising(16, 8)}), "built for heads=8, its encoder has 4"),
    ],
)
def test_a_part_that_does_not_fit_its_input_says_so(build, message: str):
    with pytest.raises(ValueError, match=message):
        build()(samples.batch_of(samples.molecules(2)))


def test_only_arguments_of_that_name_are_compared():
    check_built_for("it", SPDBias(4), channels=16)
    check_built_for("it", nn.Linear(2, 2), heads=4)
    assert issubclass(SPDRecovery, Objective)
