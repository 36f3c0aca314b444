r"""Laws of blend-then-predict: what predictions and losses do when the batch is laid out otherwise."""

import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch

from pyg_moleblend.models import Blend, MoleBlendForPretraining, PretrainingOutput
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import DenseMolecules

OBJECTIVES = {geometry: {"spd", "bond_path", geometry, "denoising"} for geometry in ("displacement", "distance")}
GEOMETRIES = pytest.mark.parametrize("geometry", list(OBJECTIVES))


def pretraining(geometry: str) -> MoleBlendForPretraining:
    return samples.randomized(samples.tiny_pretraining(geometry=geometry))


def in_double() -> Batch:
    return Batch.from_data_list([samples.in_double(graph) for graph in samples.molecules()])


def drawn(model: MoleBlendForPretraining, molecules: DenseMolecules, seed: int = 0) -> Blend:
    return model.draw_blend(molecules, torch.Generator().manual_seed(seed))


def of_molecule(number: int, size: int, blend: Blend) -> Blend:
    own = slice(number, number + 1)
    return Blend(blend.relation[own, :size, :size], blend.atom_feature[own, :size], blend.pos_noise[own, :size])


def weights(name: str, output: PretrainingOutput) -> float:
    return output.qualities[name].weight.item()


@GEOMETRIES
def test_predictions_and_losses_of_a_batch_are_those_of_its_molecules(geometry: str):
    r"""A loss is a mean over what is counted, so a batch's is its molecules' mean, weighted by their counts."""
    model, graphs = pretraining(geometry), samples.molecules()
    batch = Batch.from_data_list(graphs)
    blend = drawn(model, model.pack(batch))
    together = model(batch, blend=blend)
    alone = [model(graph, blend=of_molecule(n, graph.num_nodes, blend)) for n, graph in enumerate(graphs)]
    for name in OBJECTIVES[geometry]:
        for number, (graph, output) in enumerate(zip(graphs, alone, strict=True)):
            size = graph.num_nodes
            one = together.predictions[name][number, :size]
            one = one if name == "denoising" else one[:, :size]
            samples.assert_same(one, output.predictions[name][0])
        counts = [weights(name, output) for output in alone]
        mean = sum(n * output.losses[name].item() for n, output in zip(counts, alone, strict=True)) / sum(counts)
        assert together.losses[name].item() == pytest.approx(mean, rel=1e-4)
        assert weights(name, together) == sum(counts)


@GEOMETRIES
@pytest.mark.parametrize("number", [0, 2, 4])
def test_atoms_in_another_order(number: int, geometry: str):
    model, data = pretraining(geometry), samples.molecules()[number]
    order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(1))
    blend = drawn(model, model.pack(data))
    moved = Blend(blend.relation[:, order][:, :, order], blend.atom_feature[:, order], blend.pos_noise[:, order])
    expected = model(AddRelations()(data), blend=blend)
    actual = model(samples.permuted(data, order), blend=moved)
    for name in OBJECTIVES[geometry]:
        prediction = expected.predictions[name][:, order]
        prediction = prediction if name == "denoising" else prediction[:, :, order]
        samples.assert_same(actual.predictions[name], prediction)
        assert actual.losses[name].item() == pytest.approx(expected.losses[name].item(), rel=1e-4)


def turned(values: Tensor, seed: int) -> Tensor:
    return values @ samples.rotation(seed).to(values.dtype).T


@pytest.mark.parametrize("seed", range(2))
def test_only_the_distance_objective_does_not_mind_a_turn(seed: int):
    for geometry in OBJECTIVES:
        model = pretraining(geometry).double()
        molecules = model.pack(in_double())
        blend = drawn(model, molecules)
        before = model(molecules, blend=blend)
        rotated = molecules._replace(pos=turned(molecules.pos, seed))
        after = model(rotated, blend=blend._replace(pos_noise=turned(blend.pos_noise, seed)))
        for name in {"spd", "bond_path", geometry}:
            samples.assert_same(after.predictions[name], before.predictions[name])
        unmoved = after.losses[geometry].item() == pytest.approx(before.losses[geometry].item())
        assert unmoved == (geometry == "distance")


@GEOMETRIES
def test_a_shift_changes_nothing(geometry: str):
    model = pretraining(geometry).double()
    molecules = model.pack(in_double())
    blend = drawn(model, molecules)
    before = model(molecules, blend=blend)
    shifted = molecules._replace(pos=torch.where(molecules.mask[..., None], molecules.pos + 5, molecules.pos))
    after = model(shifted, blend=blend)
    for name in OBJECTIVES[geometry]:
        real = molecules.mask if name == "denoising" else molecules.pair_mask
        samples.assert_same(after.predictions[name][real], before.predictions[name][real])
        assert after.losses[name].item() == pytest.approx(before.losses[name].item())


@GEOMETRIES
def test_gradients_are_finite_and_reach_every_parameter(geometry: str):
    model, graphs = pretraining(geometry), samples.molecules()
    graphs[3].pos[:] = 0
    graphs[4].pos[2] = float("nan")
    graphs.append(samples.methane_like(pos=torch.zeros(1, 3)))
    graphs.append(samples.methane_like(pos=torch.zeros(2, 3)))
    output = model.train()(Batch.from_data_list(graphs), generator=torch.Generator().manual_seed(0))
    output.loss.backward()
    assert samples.finite_gradients(model)
    # The predictions are made from atoms, to whom the graph token is one key among others.
    assert not [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]


@GEOMETRIES
def test_a_lone_atom_and_fragments_on_one_point_can_be_trained_on(geometry: str):
    model = pretraining(geometry)
    for size in (1, 3):
        output = model(samples.methane_like(pos=torch.zeros(size, 3)), generator=torch.Generator().manual_seed(0))
        assert output.losses["spd"] == output.losses["bond_path"] == 0
        assert (output.losses[geometry] == 0) == (size == 1 or geometry == "displacement")
        model.zero_grad()
        output.loss.backward()
        assert samples.finite_gradients(model)
