import pytest
import samples
import torch
from scipy.stats import chisquare
from torch_geometric.data import Batch

from pyg_moleblend.components import build, describe
from pyg_moleblend.models import MoleBlend, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import Blend, Blending, MixedBlending, MoleculeBlending, PairBlending, check_blend, constant_blend
from pyg_moleblend.utils import DenseMolecules, pack

RELATIONS = {"spd": "2d", "bond_path": "2d", "distance": "3d"}
TRANSFORMER_M = {"2d+3d": 0.2, "2d": 0.2, "3d": 0.6}


def molecules(copies: int = 1) -> DenseMolecules:
    return pack(Batch.from_data_list(samples.molecules(4) * copies))


def draw(packed: DenseMolecules, blending: Blending, seed: int = 0) -> Blend:
    return blending.draw(packed, RELATIONS, torch.Generator().manual_seed(seed))


def of_molecules(blend: Blend) -> tuple[list[int], list[int]]:
    r"""The one choice of each molecule, for pairs and for atoms."""
    assert (blend.relation == blend.relation[:, :1, :1]).all()
    assert (blend.atom_feature == blend.atom_feature[:, :1]).all()
    return blend.relation[:, 0, 0].tolist(), blend.atom_feature[:, 0].tolist()


def assert_drawn(choices: list[int], probabilities: dict[int, float]) -> None:
    counts = [choices.count(choice) for choice in probabilities]
    assert sum(counts) == len(choices)
    assert chisquare(counts, [p * len(choices) for p in probabilities.values()]).pvalue > 1e-3


def test_each_molecule_has_one_choice_with_its_probability():
    packed = molecules(500)
    blend = draw(packed, MoleculeBlending(TRANSFORMER_M))
    relations, features = of_molecules(blend)
    assert_drawn(relations, {-2: 0.2, -3: 0.2, -4: 0.6})
    assert features == relations  # the codes of whole modalities mean the same for both
    check_blend(blend, packed, 3)


def test_features_go_with_relations_of_their_modality():
    blend = draw(molecules(500), MoleculeBlending({"spd": 0.1, "bond_path": 0.2, "distance": 0.3}, none=0.4))
    relations, features = of_molecules(blend)
    assert_drawn(relations, {0: 0.1, 1: 0.2, 2: 0.3, -1: 0.4})
    assert features == [{0: 0, 1: 0, 2: 1, -1: -1}[relation] for relation in relations]


def test_molecules_without_coordinates_draw_from_the_rest():
    packed = molecules(500)
    packed = packed._replace(has_3d=torch.arange(len(packed.has_3d)) % 2 == 0)
    blending = MoleculeBlending({"2d+3d": 0.3, "2d": 0.2, "3d": 0.2, "spd": 0.1}, none=0.2)
    relations, _ = of_molecules(draw(packed, blending))
    assert_drawn(relations[::2], {-2: 0.3, -3: 0.2, -4: 0.2, 0: 0.1, -1: 0.2})
    assert_drawn(relations[1::2], {-3: 0.4, 0: 0.2, -1: 0.4})
    alone = draw(packed, MoleculeBlending({"3d": 1.0}))
    assert set(of_molecules(alone)[0][1::2]) == {-1}


@pytest.mark.parametrize(
    "blending",
    [MoleculeBlending(TRANSFORMER_M), MixedBlending([PairBlending(), MoleculeBlending(TRANSFORMER_M)], [0.5, 0.5])],
    ids=["molecule", "mixed"],
)
def test_a_seed_replays_the_draw_and_leaves_the_global_generator_alone(blending: Blending):
    packed, state = molecules(10), torch.get_rng_state()
    first, again, other = draw(packed, blending), draw(packed, blending), draw(packed, blending, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_noise_has_its_scale_and_spares_padding():
    packed = molecules(60)
    noise = draw(packed, MoleculeBlending(TRANSFORMER_M, noise_scale=0.35)).pos_noise
    assert noise[packed.mask].std().item() == pytest.approx(0.35, rel=0.05)
    assert not noise[~packed.mask].any()


def test_names_and_numbers_are_checked():
    with pytest.raises(ValueError, match="`probabilities` must be non-negative numbers that sum to 1"):
        MoleculeBlending({"2d": 0.5})
    with pytest.raises(ValueError, match="`noise_scale`"):
        MoleculeBlending({"2d": 1.0}, noise_scale=-1.0)
    with pytest.raises(ValueError, match=r"names \['angle'\]"):
        MoleculeBlending({"angle": 1.0}).check(RELATIONS)


@pytest.mark.parametrize(("code", "modality"), [("2d", "2d"), ("3d", "3d"), ("2d+3d", "2d+3d")])
def test_a_whole_modality_is_the_encoder_in_that_mode(code: str, modality: str):
    encoder, batch = samples.randomized(MoleBlend(samples.tiny_config())), Batch.from_data_list(samples.molecules())
    packed = encoder.pack(batch)
    blend = MoleculeBlending({code: 1.0}).draw(packed, encoder.modalities, torch.Generator())
    blended, plain = encoder.encode(packed, blend), encoder.encode(encoder.pack(batch, modality))
    samples.assert_same(blended.graph, plain.graph)
    samples.assert_same(blended.atoms[packed.mask], plain.atoms[packed.mask])


def test_none_leaves_the_atoms_own_features_alone():
    encoder, batch = samples.randomized(MoleBlend(samples.tiny_config())), Batch.from_data_list(samples.molecules())
    packed = encoder.pack(batch)
    blend = MoleculeBlending({}, none=1.0).draw(packed, encoder.modalities, torch.Generator())
    nothing = torch.zeros_like(packed.has_2d)
    samples.assert_same(
        encoder.encode(packed, blend).graph, encoder.encode(packed._replace(has_2d=nothing, has_3d=nothing)).graph
    )


def test_a_predictor_draws_modes_in_training_only():
    config = samples.tiny_config(attention_dropout=0.0, activation_dropout=0.0)
    model = MoleBlendForPropertyPrediction(
        config, 1, blending=MoleculeBlending({"2d": 0.5, "3d": 0.5}, noise_scale=9.0)
    )
    model, data = samples.randomized(model), samples.molecules(3)[2]
    torch.testing.assert_close(model(data), without_blending(model)(data))
    modes = [model(data, mode) for mode in ("2d", "3d")]
    torch.manual_seed(0)
    drawn = [model.train()(data) for _ in range(20)]
    near = [[torch.allclose(value, mode, rtol=1e-4) for mode in modes] for value in drawn]  # no noise is added
    assert all(sum(row) == 1 for row in near)
    assert 0 < sum(row[0] for row in near) < 20


def without_blending(model: MoleBlendForPropertyPrediction) -> MoleBlendForPropertyPrediction:
    plain = MoleBlendForPropertyPrediction(model.config, model.num_tasks, model.encoder)
    plain.load_state_dict(model.state_dict())
    return plain.eval()


class OfOneKind(Blending):
    r"""Says in every choice and every number who drew it."""

    def __init__(self, mark: int) -> None:
        self.mark = mark

    def draw(self, molecules, relations, generator=None) -> Blend:
        blend = constant_blend(molecules, relation=self.mark, atom_feature=self.mark)
        return blend._replace(pos_noise=blend.pos_noise + self.mark)


def test_a_mixed_blending_draws_one_blending_a_molecule():
    blend = draw(molecules(500), MixedBlending([OfOneKind(0), OfOneKind(1), OfOneKind(-3)], [0.2, 0.5, 0.3]))
    relations, features = of_molecules(blend)
    assert_drawn(relations, {0: 0.2, 1: 0.5, -3: 0.3})
    assert features == relations
    assert (blend.pos_noise == blend.relation[:, 0, 0, None, None]).all()


def test_a_mixed_blending_asks_each_for_what_a_molecule_has():
    packed = molecules(200)
    packed = packed._replace(has_3d=torch.zeros_like(packed.has_3d), has_2d=torch.arange(800) % 2 == 0)
    mixed = MixedBlending([PairBlending({"spd": 0.5, "distance": 0.5}), MoleculeBlending({"2d": 1.0})], [0.5, 0.5])
    relation = draw(packed, mixed).relation[:, 0, 0]
    assert_drawn(relation[::2].tolist(), {0: 0.5, -3: 0.5})
    assert (relation[1::2] == -1).all()


def test_a_mixed_blending_checks_its_weights_and_its_parts():
    for blendings, weights in (([], []), ([PairBlending()], [0.5, 0.5]), ([PairBlending()] * 2, [1.0])):
        with pytest.raises(ValueError, match="each blending needs a weight"):
            MixedBlending(blendings, weights)
    with pytest.raises(ValueError, match="`weights` must be non-negative numbers that sum to 1"):
        MixedBlending([PairBlending()] * 2, [0.5, 0.6])
    with pytest.raises(ValueError, match=r"names \['angle'\]"):
        MixedBlending([PairBlending(), MoleculeBlending({"angle": 1.0})], [0.5, 0.5]).check(RELATIONS)


def test_a_mixed_blending_is_described_with_its_parts():
    mixed = MixedBlending([PairBlending({"spd": 1.0}), MoleculeBlending({"2d": 0.5}, none=0.5)], [0.25, 0.75])
    again = build(describe(mixed))
    assert [type(blending) for blending in again.blendings] == [PairBlending, MoleculeBlending]
    assert describe(again) == describe(mixed)
    packed = molecules(10)
    assert all(torch.equal(a, b) for a, b in zip(draw(packed, again), draw(packed, mixed), strict=True))


def test_an_encoder_without_relations_has_its_atoms_choices_drawn():
    blend = MoleculeBlending({"2d+3d": 0.5, "2d": 0.5}).draw(molecules(50), {}, torch.Generator().manual_seed(0))
    assert_drawn(of_molecules(blend)[1], {-2: 0.5, -3: 0.5})
