import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.models import Blend, MoleBlend, MoleBlendForPretraining, default_objectives
from pyg_moleblend.nn import BatchBlending, FixedWeights, PairBlending, SPDRecovery, constant_blend
from pyg_moleblend.transforms import AddRelations


def pretraining(**changes: object) -> MoleBlendForPretraining:
    r"""A small model with the arguments of :func:`samples.tiny_pretraining`."""
    return samples.randomized(samples.tiny_pretraining(**changes))


def batch(count: int = 4) -> Batch:
    return Batch.from_data_list(samples.molecules(count))


@pytest.mark.parametrize(
    ("changes", "shapes"),
    [
        ({}, {"spd": (11,), "bond_path": (5, 60), "displacement": (3,)}),
        ({"config": samples.tiny_config(max_path_length=2), "geometry": "distance", "num_spd_classes": 4,
          "vocabulary": "release"},
         {"spd": (4,), "bond_path": (2, 24), "distance": ()}),
    ],
)  # fmt: skip
def test_shapes_of_predictions(changes: dict, shapes: dict[str, tuple[int, ...]]):
    output = pretraining(**changes)(batch())
    size = max(graph.num_nodes for graph in samples.molecules(4))
    expected = {name: (4, size, size, *shape) for name, shape in shapes.items()}
    assert {name: tuple(value.shape) for name, value in output.predictions.items()} == {
        **expected,
        "denoising": (4, size, 3),
    }
    assert output.losses.keys() == output.predictions.keys() == output.qualities.keys()
    assert all(loss.shape == () for loss in (output.loss, *output.losses.values()))


def test_loss_is_the_weighted_sum():
    weights = {"spd": 0.5, "bond_path": 0.0, "displacement": 2.0, "denoising": 3.0}
    output = pretraining(loss_weights=weights)(batch())
    expected = sum(weights[name] * loss.item() for name, loss in output.losses.items())
    assert output.loss.item() == pytest.approx(expected)


def test_a_blend_is_replayed():
    model = pretraining()
    first = model(batch(), generator=torch.Generator().manual_seed(5))
    again = model(batch(), generator=torch.Generator().manual_seed(5))
    replayed = model(batch(), blend=first.blend)
    other = model(batch())
    assert first.loss == again.loss == replayed.loss
    assert all(torch.equal(a, b) for a, b in zip(first.blend, replayed.blend, strict=True))
    assert first.loss != other.loss


def test_drawn_blends_follow_the_blending():
    relations = {"spd": 0.0, "bond_path": 1.0, "distance": 0.0}
    chosen = PairBlending(relations, atom_features={"degree": 1.0, "distance": 0.0}, noise_scale=0.0)
    model = pretraining(blending=chosen)
    assert model.blending is chosen
    blend = model(batch()).blend
    assert (blend.relation == 1).all()
    assert not blend.atom_feature.any()
    assert not blend.pos_noise.any()
    shared = pretraining(blending=BatchBlending())(batch()).blend.relation
    assert torch.equal(shared[0], shared[1])


@pytest.mark.parametrize(("relation", "name"), enumerate(["spd", "bond_path", "distance"]))
def test_a_constant_blend_is_the_encoder_with_that_relation_alone(relation: int, name: str):
    model = pretraining()
    molecules = model.pack(batch())
    blend = constant_blend(molecules, relation, atom_feature=int(name == "distance"))
    alone = MoleBlend(model.config, {name: model.encoder.attention_bias.blend.relations[name]})
    wanted = {key: value for key, value in model.encoder.state_dict().items() if key in alone.state_dict()}
    alone.load_state_dict(wanted)
    modality = "3d" if name == "distance" else "2d"
    samples.assert_same(
        model.encoder.encode(molecules, blend).graph, alone.eval()(batch(), modality).graph, tolerance=1e-5
    )


def test_noise_moves_what_the_encoder_sees_and_not_the_targets():
    model = pretraining()
    molecules = model.pack(batch())
    blend = model.draw_blend(molecules, torch.Generator().manual_seed(0))
    quiet = blend._replace(pos_noise=torch.zeros_like(blend.pos_noise))
    noisy = molecules._replace(pos=molecules.pos + blend.pos_noise)
    output, moved = model(molecules, blend=blend), model(noisy, blend=quiet)
    samples.assert_same(output.predictions["denoising"], moved.predictions["denoising"])
    assert output.losses["displacement"] != moved.losses["displacement"]


def test_molecules_without_coordinates_are_in_no_3d_loss_and_get_no_noise():
    model, graphs = pretraining(), samples.molecules(4)
    graphs[2].pos = torch.full_like(graphs[2].pos, float("nan"))
    output = model(Batch.from_data_list(graphs), generator=torch.Generator().manual_seed(0))
    assert output.loss.isfinite()
    size = graphs[2].num_nodes
    assert not (output.blend.relation[2, :size, :size] == 2).any()
    assert not output.blend.atom_feature[2].any()
    loud = output.blend.pos_noise.clone()
    loud[2] += 10
    again = model(Batch.from_data_list(graphs), blend=output.blend._replace(pos_noise=loud))
    assert again.loss == output.loss
    all_2d = [graph.clone() for graph in graphs]
    for graph in all_2d:
        graph.pos = torch.full_like(graph.pos, float("nan"))
    only = model(Batch.from_data_list(all_2d))
    assert only.losses["displacement"] == only.losses["denoising"] == 0
    assert only.losses["spd"] > 0


def test_qualities_carry_no_gradient():
    output = pretraining()(batch())
    assert not any(value.requires_grad for quality in output.qualities.values() for value in quality)
    assert output.loss.requires_grad


def test_an_objective_that_is_not_wanted_is_not_passed():
    config = samples.tiny_config()
    objectives = {name: objective for name, objective in default_objectives(config).items() if name == "spd"}
    output = MoleBlendForPretraining(config, objectives=objectives)(batch())
    assert output.losses.keys() == {"spd"}


def test_probabilities_and_weights_must_fit():
    with pytest.raises(ValueError, match=r"names \['angle'\].*relations are \['spd', 'bond_path', 'distance'\]"):
        pretraining(blending=PairBlending({"spd": 0.5, "angle": 0.5}))
    with pytest.raises(ValueError, match=r"names \['angle'\].*objectives are \['spd', 'bond_path'"):
        pretraining(loss_weights={"spd": 1.0, "angle": 1.0})
    with pytest.raises(ValueError, match=r"no weight for the objectives \['bond_path', 'denoising'\]"):
        pretraining(loss_weights=FixedWeights({"spd": 1.0, "displacement": 1.0}))


def test_an_objective_without_a_weight_has_the_published_one_or_one():
    config = samples.tiny_config()
    objectives = {**default_objectives(config), "again": SPDRecovery(config.channels)}
    model = MoleBlendForPretraining(config, objectives=objectives, loss_weights={"spd": 3.0})
    weights = {"spd": 3.0, "bond_path": 0.1, "displacement": 0.5, "denoising": 6.0, "again": 1.0}
    assert model.loss_weighting.weights == weights
    output = model(batch())
    assert output.loss.item() == pytest.approx(sum(weights[name] * x.item() for name, x in output.losses.items()))


def test_a_loss_must_be_a_scalar():
    class Each(SPDRecovery):
        def evaluate(self, state):
            outcome = super().evaluate(state)
            return outcome._replace(loss=outcome.loss.expand(2))

    config = samples.tiny_config()
    with pytest.raises(ValueError, match=r"loss of objective 'each' must be a scalar tensor, got shape \[2\]"):
        MoleBlendForPretraining(config, objectives={"each": Each(config.channels)}).step(batch())


def test_no_objective_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one objective"):
        MoleBlendForPretraining(samples.tiny_config(), objectives={})


def test_a_given_blend_is_not_written_to():
    model, molecules = pretraining(), pretraining().pack(batch())
    blend = model.draw_blend(molecules)
    before = Blend(*(value.clone() for value in blend))
    model(molecules, blend=blend)
    assert all(torch.equal(a, b) for a, b in zip(before, blend, strict=True))


@pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])
def test_relations_are_recovered_whether_attached_or_derived(modality: str):
    model = pretraining()
    attached = Batch.from_data_list([AddRelations()(data) for data in samples.molecules(4)])
    given = model(attached, modality=modality, generator=torch.Generator().manual_seed(0))
    derived = model(batch(), modality=modality, generator=torch.Generator().manual_seed(0))
    for name, loss in given.losses.items():
        assert loss == derived.losses[name]
    assert given.losses["spd"] > 0  # relations that do not enter are recovered all the same


def test_a_blend_of_another_batch_is_refused():
    model = pretraining()
    with pytest.raises(ValueError, match="largest molecule of the batch"):
        model(batch(4), blend=model(batch(2)).blend)


def test_an_encoder_of_another_shape_is_refused():
    encoder = MoleBlend(samples.tiny_config(max_path_length=8))
    with pytest.raises(ValueError, match=r"max_path_length \(5 and 8\)"):
        MoleBlendForPretraining(samples.tiny_config(), encoder)


def test_what_the_noise_holds_for_padding_does_not_matter():
    model = pretraining()
    first = model(batch())
    padding = ~model.pack(batch()).mask
    changed = first.blend._replace(pos_noise=first.blend.pos_noise.masked_fill(padding[..., None], float("nan")))
    again = model(batch(), blend=changed)
    assert again.loss == first.loss
    again.loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_a_step_gives_what_the_forward_gives_without_the_predictions():
    model = pretraining()
    output = model(batch())
    step = model.step(batch(), output.blend)
    assert step._fields == ("loss", "losses", "qualities", "blend")
    assert step.loss == output.loss
    assert step.losses == output.losses
    assert step.qualities == output.qualities
