import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.models import MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import Blend, Blending, constant_blend
from pyg_moleblend.nn.blending.base import Choice, check_noise, draw_noise
from pyg_moleblend.utils import DenseMolecules, pack

RELATIONS = {"spd": "2d", "bond_path": "2d", "distance": "3d"}
BROKEN = [(0.5, 0.6), (-0.1, 1.1), (0.5, 0.5 - 1e-5), (0.0, 0.0), (), (float("nan"), 1.0), (float("nan"), 0.5)]


def molecules(**changes: torch.Tensor) -> DenseMolecules:
    return pack(Batch.from_data_list(samples.molecules(4)))._replace(**changes)


def named(probabilities: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(RELATIONS, probabilities, strict=False))


@pytest.mark.parametrize("probabilities", BROKEN)
def test_probabilities_off_the_simplex_are_refused(probabilities: tuple[float, ...]):
    with pytest.raises(ValueError, match="`p` must be non-negative numbers that sum to 1, got"):
        Choice("p", named(probabilities))


@pytest.mark.parametrize("none", [-0.5, float("nan"), 0.6, "0.5", None])
def test_the_probability_of_none_is_one_of_them(none: float):
    with pytest.raises(ValueError, match="`p` must be non-negative numbers that sum to 1, got"):
        Choice("p", {"spd": 0.5}, none)


@pytest.mark.parametrize("probabilities", [[0.5, 0.5], {"spd": "1.0"}, {"spd": None}, 1.0], ids=str)
def test_what_is_no_mapping_to_numbers_is_refused(probabilities: object):
    with pytest.raises(ValueError, match="`p` must"):
        Choice("p", probabilities)


def test_floating_point_sums_are_on_the_simplex():
    Choice("p", named((0.2, 0.7, 0.1)))
    assert sum((0.2, 0.7, 0.1)) != 1
    Choice("p", {str(number): 1 / 7 for number in range(7)})
    Choice("p", {"spd": 0.7}, none=0.3)


def test_names_are_relations_or_modalities():
    Choice("p", {"spd": 0.5, "3d": 0.25, "2d": 0.125, "2d+3d": 0.125}).check(RELATIONS)
    with pytest.raises(ValueError, match=r"`p` names \['angle', 'torsion'\].*\['spd', 'bond_path', 'distance'\]"):
        Choice("p", {"torsion": 0.5, "angle": 0.5}).check(RELATIONS)
    with pytest.raises(ValueError, match=r"`p` names \['angle'\]"):
        Choice("p", {"angle": 1.0}).draw(molecules(), RELATIONS, torch.rand(4, 3))


def test_a_choice_is_the_inverse_of_the_cumulative_distribution():
    r"""In the order that the probabilities are given in, whatever the relations' own order is; none comes last."""
    choice = Choice("p", {"distance": 0.25, "spd": 0.5, "bond_path": 0.0}, none=0.25)
    uniform = torch.tensor([0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999]).expand(4, -1)
    drawn = choice.draw(molecules(), RELATIONS, uniform)
    assert drawn.dtype == torch.int64
    assert drawn.tolist() == [[2, 2, 0, 0, -1, -1]] * 4


def test_a_molecule_draws_from_what_it_has():
    packed = molecules(has_2d=torch.tensor([True, True, False, False]), has_3d=torch.tensor([True, False, True, False]))
    choice = Choice("p", {"spd": 0.25, "distance": 0.25, "2d+3d": 0.25}, none=0.25)
    drawn = choice.draw(packed, RELATIONS, torch.tensor([0.1, 0.3, 0.45, 0.6, 0.9]).expand(4, -1))
    assert drawn.tolist() == [
        [0, 2, 2, -2, -1],  # a quarter each
        [0, 0, 0, -1, -1],  # a half each for spd and none
        [2, 2, 2, -1, -1],
        [-1, -1, -1, -1, -1],
    ]


def test_whole_modalities_have_codes():
    uniform = torch.tensor([[0.1, 0.5, 0.9]]).expand(4, -1)
    drawn = Choice("p", {"2d": 0.25, "3d": 0.5, "2d+3d": 0.25}).draw(molecules(), RELATIONS, uniform)
    assert drawn.tolist() == [[-3, -4, -2]] * 4


@pytest.mark.parametrize("scale", [-0.2, float("nan"), float("inf"), "0.2", None])
def test_a_noise_scale_is_a_length(scale: float):
    with pytest.raises(ValueError, match="`noise_scale` must be at least 0 Å and finite, got"):
        check_noise(scale)


def test_noise_is_drawn_from_the_generator():
    packed, state = molecules(), torch.get_rng_state()
    first, again = (draw_noise(packed, 0.5, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)
    assert not first[~packed.mask].any()
    samples.assert_same(draw_noise(packed, 1.0, torch.Generator().manual_seed(1)), 2 * first)


def test_a_blending_must_say_how_it_draws():
    class Incomplete(Blending):
        pass

    with pytest.raises(TypeError, match="draw"):
        Incomplete()


def test_a_blending_of_ones_own_says_its_arguments():
    class OneRelation(Blending):
        def __init__(self, name: str, feature: int = 0) -> None:
            self.name, self.feature = name, feature

        def draw(self, molecules, relations, generator=None) -> Blend:
            return constant_blend(molecules, list(relations).index(self.name), self.feature)

    blending = OneRelation("distance")
    assert repr(blending) == "OneRelation(name='distance', feature=0)"
    blending.check(RELATIONS)  # whatever it likes by default
    model = samples.tiny_pretraining(blending=blending)
    assert (model(samples.molecules(1)[0]).blend.relation == 2).all()


class Odd(Blending):
    def __init__(self, part: str, value: object) -> None:
        self.part, self.value = part, value

    def draw(self, molecules, relations, generator) -> object:  # no default: it is always given
        blend = constant_blend(molecules, 0, 0)
        return blend._replace(**{self.part: self.value(blend)}) if self.part else self.value


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("", None, "Odd must draw a Blend, got NoneType"),
        ("relation", lambda blend: blend.relation[:1], "the blend's `relation` must have shape"),
        ("relation", lambda blend: blend.relation + 3, "the blend's `relation` must choose from 0 to 2"),
        ("atom_feature", lambda blend: blend.atom_feature - 5, "the blend's `atom_feature` must choose from 0 to 1"),
    ],
    ids=["none", "shape", "relation", "feature"],
)
def test_what_is_no_blend_is_refused_in_pretraining_and_in_fine_tuning(part: str, value: object, message: str):
    config, batch = samples.tiny_config(), samples.batch_of(samples.molecules(3))
    for model in (
        MoleBlendForPretraining(config, blending=Odd(part, value)),
        MoleBlendForPropertyPrediction(config, 1, blending=Odd(part, value)).train(),
    ):
        with pytest.raises(ValueError, match=message):
            model(batch)
