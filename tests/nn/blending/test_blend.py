import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.nn import Blend, constant_blend, draw_blend
from pyg_moleblend.nn.blending.blend import check_blend, check_probabilities
from pyg_moleblend.utils import DenseMolecules, pack

MODALITIES = ("2d", "2d", "3d")
RELATIONS, FEATURES = (0.2, 0.2, 0.6), (0.4, 0.6)


def molecules(copies: int = 1, without_3d: bool = False) -> DenseMolecules:
    packed = pack(Batch.from_data_list(samples.molecules(4) * copies))
    return packed._replace(has_3d=torch.zeros_like(packed.has_3d)) if without_3d else packed


def draw(packed: DenseMolecules, seed: int = 0, **changes: object) -> Blend:
    arguments = {"relation_probabilities": RELATIONS, "atom_feature_probabilities": FEATURES, "noise_scale": 0.2}
    generator = torch.Generator().manual_seed(seed)
    return draw_blend(packed, MODALITIES, **{**arguments, **changes}, generator=generator)


def frequencies(drawn: torch.Tensor, choices: int) -> list[float]:
    return (torch.bincount(drawn.flatten(), minlength=choices) / drawn.numel()).tolist()


def test_shapes_and_types():
    packed, (relation, feature, noise) = molecules(), draw(molecules())
    assert relation.shape == packed.pair_mask.shape
    assert feature.shape == packed.mask.shape
    assert noise.shape == packed.pos.shape
    assert relation.dtype == feature.dtype == torch.int64
    assert noise.dtype == packed.pos.dtype


def test_a_seed_replays_the_draw_and_leaves_the_global_generator_alone():
    packed, state = molecules(), torch.get_rng_state()
    first, again, other = draw(packed), draw(packed), draw(packed, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("scope", ["molecule", "batch"])
@pytest.mark.parametrize("relations", [RELATIONS, (0.2, 0.7, 0.1), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (1.0, 0.0, 0.0)])
def test_frequencies_are_the_probabilities(scope: str, relations: tuple[float, ...]):
    blend = draw(molecules(40 if scope == "molecule" else 1), relation_probabilities=relations, scope=scope)
    count = blend.relation.numel() if scope == "molecule" else blend.relation[0].numel()
    drawn = frequencies(blend.relation, 3)
    for probability, frequency in zip(relations, drawn, strict=True):
        assert frequency == pytest.approx(probability, abs=4 * (probability * (1 - probability) / count) ** 0.5)


@pytest.mark.parametrize("features", [FEATURES, (0.0, 1.0), (1.0, 0.0), (0.9, 0.1)])
def test_frequencies_of_atom_features(features: tuple[float, float]):
    drawn = draw(molecules(100), atom_feature_probabilities=features).atom_feature
    assert frequencies(drawn, 2) == pytest.approx(features, abs=0.03)


def test_molecules_without_coordinates_draw_neither_distance_nor_its_feature():
    packed = molecules(60)
    packed = packed._replace(has_3d=torch.arange(packed.has_3d.numel()) % 2 == 0)
    blend = draw(packed, relation_probabilities=(0.1, 0.3, 0.6))
    assert frequencies(blend.relation[~packed.has_3d], 3) == pytest.approx([0.25, 0.75, 0], abs=0.02)
    assert frequencies(blend.relation[packed.has_3d], 3) == pytest.approx([0.1, 0.3, 0.6], abs=0.02)
    assert not blend.atom_feature[~packed.has_3d].any()
    assert blend.atom_feature[packed.has_3d].any()


def test_without_any_probability_left_nothing_enters():
    packed = molecules(without_3d=True)
    blend = draw(packed, relation_probabilities=(0.0, 0.0, 1.0), atom_feature_probabilities=(0.0, 1.0))
    assert (blend.relation == -1).all()
    assert (blend.atom_feature == -1).all()
    check_blend(blend, packed, 3)


@pytest.mark.parametrize("name", Blend._fields)
def test_a_blend_of_other_molecules_is_refused(name: str):
    packed = molecules()
    blend = draw(packed)
    for wrong in (getattr(blend, name)[:1], getattr(blend, name)[:, :-1]):  # neither is broadcast or cut
        with pytest.raises(ValueError, match=f"`{name}` must have shape .* N = "):
            check_blend(blend._replace(**{name: wrong}), packed, 3)


@pytest.mark.parametrize(("name", "wrong"), [("relation", 3), ("relation", -2), ("atom_feature", 2)])
def test_a_blend_that_chooses_what_there_is_not_is_refused(name: str, wrong: int):
    packed = molecules()
    blend = draw(packed)
    changed = getattr(blend, name).clone()
    changed[-1, 0] = wrong
    with pytest.raises(ValueError, match=f"`{name}` must choose from 0 to"):
        check_blend(blend._replace(**{name: changed}), packed, 3)


def test_batch_scope_shares_one_choice_of_relations():
    shared, separate = draw(molecules(), scope="batch"), draw(molecules(), scope="molecule")
    assert all(torch.equal(relation, shared.relation[0]) for relation in shared.relation)
    assert not any(torch.equal(relation, separate.relation[0]) for relation in separate.relation[1:])
    assert not torch.equal(shared.atom_feature[0], shared.atom_feature[1])
    assert not torch.equal(shared.pos_noise[0], shared.pos_noise[1])


def test_noise_has_its_scale_and_spares_padding():
    packed = molecules(60)
    noise = draw(packed, noise_scale=0.35).pos_noise
    assert noise[packed.mask].std().item() == pytest.approx(0.35, rel=0.05)
    assert not noise[~packed.mask].any()
    assert not draw(packed, noise_scale=0.0).pos_noise.any()
    assert draw(packed._replace(pos=packed.pos.double())).pos_noise.dtype == torch.float64


BROKEN = [(0.5, 0.6), (-0.1, 1.1), (0.5, 0.5 - 1e-5), (0.0, 0.0), (), (float("nan"), 1.0), (float("nan"), 0.5)]


@pytest.mark.parametrize("probabilities", BROKEN)
def test_probabilities_off_the_simplex_are_refused(probabilities: tuple[float, ...]):
    with pytest.raises(ValueError, match="`p` must be non-negative numbers that sum to 1, got"):
        check_probabilities("p", probabilities)


def test_floating_point_sums_are_on_the_simplex():
    check_probabilities("p", (0.2, 0.7, 0.1))
    assert sum((0.2, 0.7, 0.1)) != 1
    check_probabilities("p", [1 / 7] * 7)


def test_draw_checks_its_probabilities():
    packed = molecules()
    with pytest.raises(ValueError, match="relation_probabilities"):
        draw(packed, relation_probabilities=(0.2, 0.2, 0.2))
    with pytest.raises(ValueError, match="each of the 3 relations"):
        draw(packed, relation_probabilities=(0.5, 0.5))
    with pytest.raises(ValueError, match="atom_feature_probabilities"):
        draw(packed, atom_feature_probabilities=(0.5, 0.6))


@pytest.mark.parametrize("features", [(1.0,), (0.2, 0.2, 0.6)])
def test_there_are_two_atom_features(features: tuple[float, ...]):
    with pytest.raises(ValueError, match="atom_feature_probabilities"):
        draw(molecules(), atom_feature_probabilities=features)


def test_constant_blend_is_the_same_everywhere():
    packed = molecules()
    blend = constant_blend(packed, relation=2, atom_feature=1)
    assert (blend.relation == 2).all()
    assert (blend.atom_feature == 1).all()
    assert not blend.pos_noise.any()
    assert blend.relation.shape == packed.pair_mask.shape
