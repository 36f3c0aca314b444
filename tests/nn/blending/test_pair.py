import pytest
import samples
import torch
from scipy.stats import chisquare
from torch_geometric.data import Batch

from pyg_moleblend.nn import BatchBlending, Blend, Blending, PairBlending, check_blend
from pyg_moleblend.utils import DenseMolecules, pack

RELATIONS = {"spd": "2d", "bond_path": "2d", "distance": "3d"}
PUBLISHED, FEATURES = (0.2, 0.2, 0.6), {"degree": 0.4, "distance": 0.6}
CODES = {"none": -1, "2d+3d": -2, "2d": -3, "3d": -4, "spd": 0, "bond_path": 1, "distance": 2}


def molecules(copies: int = 1, without_3d: bool = False) -> DenseMolecules:
    packed = pack(Batch.from_data_list(samples.molecules(4) * copies))
    return packed._replace(has_3d=torch.zeros_like(packed.has_3d)) if without_3d else packed


def named(probabilities: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(RELATIONS, probabilities, strict=True))


def draw(packed: DenseMolecules, blending: Blending | None = None, seed: int = 0) -> Blend:
    return (blending or PairBlending()).draw(packed, RELATIONS, torch.Generator().manual_seed(seed))


def frequencies(drawn: torch.Tensor, choices: int) -> list[float]:
    return (torch.bincount(drawn.flatten(), minlength=choices) / drawn.numel()).tolist()


def assert_drawn(drawn: torch.Tensor, probabilities: dict[str, float]) -> None:
    r"""A chi-square test of the choices against their probabilities; what has none must never be drawn."""
    counts = {name: int((drawn == code).sum()) for name, code in CODES.items()}
    assert sum(counts.values()) == drawn.numel()
    likely = {name: p for name, p in probabilities.items() if p > 0}
    assert {name for name, count in counts.items() if count} == set(likely)
    if len(likely) > 1:
        expected = [p * drawn.numel() for p in likely.values()]
        assert chisquare([counts[name] for name in likely], expected).pvalue > 1e-3


def test_shapes_and_types():
    packed, (relation, feature, noise) = molecules(), draw(molecules())
    assert relation.shape == packed.pair_mask.shape
    assert feature.shape == packed.mask.shape
    assert noise.shape == packed.pos.shape
    assert relation.dtype == feature.dtype == torch.int64
    assert noise.dtype == packed.pos.dtype


@pytest.mark.parametrize("kind", [PairBlending, BatchBlending])
def test_a_seed_replays_the_draw_and_leaves_the_global_generator_alone(kind: type[PairBlending]):
    packed, state, blending = molecules(), torch.get_rng_state(), kind()
    first, again, other = draw(packed, blending), draw(packed, blending), draw(packed, blending, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_generator_the_global_one_is_used():
    packed, blends = molecules(), []
    for _ in range(2):
        torch.manual_seed(3)
        blends.append(PairBlending().draw(packed, RELATIONS))
    assert all(torch.equal(a, b) for a, b in zip(*blends, strict=True))
    assert not torch.equal(PairBlending().draw(packed, RELATIONS).relation, blends[0].relation)


@pytest.mark.parametrize("scope", ["molecule", "batch"])
@pytest.mark.parametrize("relations", [PUBLISHED, (0.2, 0.7, 0.1), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (1.0, 0.0, 0.0)])
def test_frequencies_are_the_probabilities(scope: str, relations: tuple[float, ...]):
    kind, copies = {"molecule": (PairBlending, 40), "batch": (BatchBlending, 1)}[scope]
    blend = draw(molecules(copies), kind(named(relations)))
    drawn = blend.relation if scope == "molecule" else blend.relation[0]
    assert_drawn(drawn, named(relations))
    for probability, frequency in zip(relations, frequencies(drawn, 3), strict=True):
        spread = (probability * (1 - probability) / drawn.numel()) ** 0.5
        assert frequency == pytest.approx(probability, abs=4 * spread)


@pytest.mark.parametrize(
    ("probabilities", "none"),
    [
        ({"spd": 0.5}, 0.5),
        ({"distance": 0.1, "bond_path": 0.2, "spd": 0.3}, 0.4),
        ({"2d": 0.3, "3d": 0.3, "2d+3d": 0.2, "spd": 0.1}, 0.1),
        ({}, 1.0),
    ],
    ids=["mask", "other order", "modalities", "nothing"],
)
def test_none_and_whole_modalities_are_drawn_with_their_probabilities(probabilities: dict[str, float], none: float):
    packed = molecules(40)
    blend = draw(packed, PairBlending(probabilities, none))
    assert_drawn(blend.relation, {**probabilities, "none": none})
    check_blend(blend, packed, 3)


@pytest.mark.parametrize("order", [("distance", "spd", "bond_path"), ("bond_path", "distance", "spd")])
def test_numbers_are_those_of_the_relations_order(order: tuple[str, ...]):
    relations = {name: RELATIONS[name] for name in order}
    blend = PairBlending({"bond_path": 1.0}).draw(molecules(), relations, torch.Generator())
    assert (blend.relation == order.index("bond_path")).all()


def test_a_relation_that_is_not_named_never_enters():
    blend = draw(molecules(10), PairBlending({"spd": 0.5, "distance": 0.5}))
    assert set(blend.relation.unique().tolist()) == {0, 2}


def test_choices_of_pairs_are_independent():
    r"""Of two pairs that differ in order, row, column or molecule, what one draws says nothing of the other."""
    drawn = draw(molecules(40), PairBlending({"spd": 0.5, "distance": 0.5})).relation == 0
    off_diagonal = ~torch.eye(drawn.size(1), dtype=torch.bool)
    for other in (drawn.transpose(1, 2), drawn.roll(1, 0), drawn.roll(1, 1), drawn.roll(1, 2)):
        agree = (drawn == other)[:, off_diagonal].float()
        assert agree.mean().item() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("features", [(0.4, 0.6), (0.0, 1.0), (1.0, 0.0), (0.9, 0.1)])
def test_frequencies_of_atom_features(features: tuple[float, float]):
    chosen = PairBlending(atom_features=dict(zip(FEATURES, features, strict=True)))
    drawn = draw(molecules(100), chosen).atom_feature
    assert frequencies(drawn, 2) == pytest.approx(features, abs=0.03)


def test_both_atom_features_may_enter():
    drawn = draw(molecules(), PairBlending(atom_features={"2d+3d": 1.0}))
    assert (drawn.atom_feature == -2).all()


def test_molecules_without_coordinates_draw_neither_distance_nor_its_feature():
    packed = molecules(60)
    packed = packed._replace(has_3d=torch.arange(packed.has_3d.numel()) % 2 == 0)
    blend = draw(packed, PairBlending(named((0.1, 0.3, 0.6))))
    assert_drawn(blend.relation[~packed.has_3d], {"spd": 0.25, "bond_path": 0.75})
    assert_drawn(blend.relation[packed.has_3d], named((0.1, 0.3, 0.6)))
    assert frequencies(blend.relation[~packed.has_3d], 3) == pytest.approx([0.25, 0.75, 0], abs=0.02)
    assert frequencies(blend.relation[packed.has_3d], 3) == pytest.approx([0.1, 0.3, 0.6], abs=0.02)
    assert not blend.atom_feature[~packed.has_3d].any()
    assert blend.atom_feature[packed.has_3d].any()


def test_what_is_left_is_renormalised_with_none_among_it():
    packed = molecules(40, without_3d=True)
    blend = draw(packed, PairBlending({"spd": 0.1, "3d": 0.3, "2d+3d": 0.2, "2d": 0.2}, none=0.2))
    assert_drawn(blend.relation, {"spd": 0.2, "2d": 0.4, "none": 0.4})


def test_without_any_probability_left_nothing_enters():
    packed = molecules(without_3d=True)
    features = {"degree": 0.0, "distance": 1.0}
    blend = draw(packed, PairBlending(named((0.0, 0.0, 1.0)), atom_features=features))
    assert (blend.relation == -1).all()
    assert (blend.atom_feature == -1).all()
    check_blend(blend, packed, 3)


def test_batch_scope_shares_one_choice_of_relations():
    shared, separate = draw(molecules(), BatchBlending()), draw(molecules(), PairBlending())
    assert all(torch.equal(relation, shared.relation[0]) for relation in shared.relation)
    assert not any(torch.equal(relation, separate.relation[0]) for relation in separate.relation[1:])
    assert not torch.equal(shared.atom_feature[0], shared.atom_feature[1])
    assert not torch.equal(shared.pos_noise[0], shared.pos_noise[1])


def test_noise_has_its_scale_and_spares_padding():
    packed = molecules(60)
    noise = draw(packed, PairBlending(noise_scale=0.35)).pos_noise
    assert noise[packed.mask].std().item() == pytest.approx(0.35, rel=0.05)
    assert not noise[~packed.mask].any()
    assert not draw(packed, PairBlending(noise_scale=0.0)).pos_noise.any()
    assert draw(packed._replace(pos=packed.pos.double())).pos_noise.dtype == torch.float64


def test_arguments_are_checked_when_it_is_made():
    with pytest.raises(ValueError, match="`probabilities` must be non-negative numbers that sum to 1"):
        PairBlending(named((0.2, 0.2, 0.2)))
    with pytest.raises(ValueError, match=r"`atom_features` must be non-negative numbers that sum to 1"):
        PairBlending(atom_features={"degree": 0.5, "distance": 0.6})
    with pytest.raises(ValueError, match="`noise_scale`"):
        PairBlending(noise_scale=-1.0)


def test_relations_that_are_not_there_are_refused_before_and_in_the_draw():
    blending = PairBlending({"spd": 0.5, "angle": 0.5})
    for use in (lambda: blending.check(RELATIONS), lambda: draw(molecules(), blending)):
        with pytest.raises(ValueError, match=r"`probabilities` names \['angle'\]"):
            use()


@pytest.mark.parametrize("features", [{"degree": 0.5, "spin": 0.5}, {"spin": 1.0}], ids=str)
def test_there_are_two_atom_features(features: dict[str, float]):
    with pytest.raises(ValueError, match=r"`atom_features` names \['spin'\].*\['degree', 'distance'\]"):
        PairBlending(atom_features=features)


def test_by_default_none_takes_of_the_papers_probabilities():
    drawn = draw(molecules(64), PairBlending(none=0.5)).relation
    assert_drawn(drawn, {"none": 0.5, **named((0.1, 0.1, 0.3))})
