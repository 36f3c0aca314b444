r"""Laws that the encoder, and so every model on top of it, has to keep whatever its weights."""

import pytest
import samples
import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.models import EncoderOutput, MoleBlend, MoleBlendForPropertyPrediction
from pyg_moleblend.transforms import AddRelations

MODALITIES = pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])


def encoder(seed: int = 0) -> MoleBlend:
    return samples.randomized(MoleBlend(samples.tiny_config()), seed)


def unknown(data: Data) -> Data:
    r"""The molecule with NaN coordinates."""
    data = data.clone()
    data.pos = torch.full_like(data.pos, float("nan"))
    return data


def assert_same_output(actual: EncoderOutput, expected: EncoderOutput) -> None:
    samples.assert_same(actual.graph, expected.graph)
    samples.assert_same(actual.atoms, expected.atoms)


@MODALITIES
@pytest.mark.parametrize("number", range(1, 6))
def test_atoms_in_another_order(number: int, modality: str):
    model, data = encoder(), samples.molecules()[number]
    order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(number))
    expected, actual = model(AddRelations()(data), modality), model(samples.permuted(data, order), modality)
    samples.assert_same(actual.graph, expected.graph)
    samples.assert_same(actual.atoms, expected.atoms[order])


@MODALITIES
def test_a_batch_is_its_molecules(modality: str):
    model, graphs = encoder(), samples.molecules()
    together = model(Batch.from_data_list(graphs), modality)
    alone = [model(graph, modality) for graph in graphs]
    samples.assert_same(together.graph, torch.cat([output.graph for output in alone]))
    samples.assert_same(together.atoms, torch.cat([output.atoms for output in alone]))
    backwards = model(Batch.from_data_list(graphs[::-1]), modality)
    samples.assert_same(backwards.graph, together.graph.flip(0))


@pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])
def test_predictions_of_a_batch_are_those_of_its_molecules(modality: str):
    model = samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), num_tasks=2))
    graphs = samples.molecules()
    together = model(Batch.from_data_list(graphs), modality)
    samples.assert_same(together, torch.cat([model(graph, modality) for graph in graphs]))


def test_more_padding_changes_nothing():
    model = encoder()
    molecules = model.pack(Batch.from_data_list(samples.molecules(3)))
    more = 4

    def atoms(value: Tensor) -> Tensor:
        return F.pad(value, (0, more)) if value.dim() == 2 else F.pad(value, (0, 0, 0, more))

    def pairs(value: Tensor) -> Tensor:
        return F.pad(value, (*(0, 0) * (value.dim() - 3), 0, more, 0, more), value=17)  # no value is looked at

    fields = {name: atoms(getattr(molecules, name)) for name in ("x", "mask", "degree", "pos")}
    padded = molecules._replace(**fields, pairs={name: pairs(value) for name, value in molecules.pairs.items()})
    assert padded.mask.size(1) == molecules.mask.size(1) + more
    assert_same_output(model(padded), model(molecules))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("modality", ["3d", "2d+3d"])
def test_a_turned_and_shifted_molecule_is_the_same(seed: int, modality: str):
    model, graphs = encoder().double(), [samples.in_double(graph) for graph in samples.molecules()]
    moved = [samples.moved(graph, seed + number) for number, graph in enumerate(graphs)]
    assert not torch.allclose(moved[0].pos, graphs[0].pos)
    assert_same_output(model(Batch.from_data_list(moved), modality), model(Batch.from_data_list(graphs), modality))


def test_a_stretched_molecule_is_another_one():
    model, data = encoder(), samples.molecules()[2]
    stretched = data.clone()
    stretched.pos = 1.1 * data.pos
    assert not torch.allclose(model(stretched).graph, model(data).graph, rtol=1e-3)
    samples.assert_same(model(stretched, "2d").graph, model(data, "2d").graph)


@pytest.mark.parametrize("how", ["nan", "has_pos"])
def test_mixed_batches_are_their_molecules(how: str):
    model, graphs = encoder(), samples.molecules()
    flat = {1, 2, 5}
    mixed = [unknown(graph) if how == "nan" and n in flat else graph.clone() for n, graph in enumerate(graphs)]
    if how == "has_pos":
        for number, graph in enumerate(mixed):
            graph.has_pos = torch.tensor([number not in flat])
    output = model(Batch.from_data_list(mixed))
    expected = [model(graph, "2d" if number in flat else "2d+3d") for number, graph in enumerate(graphs)]
    samples.assert_same(output.graph, torch.cat([one.graph for one in expected]))
    samples.assert_same(output.atoms, torch.cat([one.atoms for one in expected]))
    assert not torch.allclose(output.graph[2], model(graphs[2]).graph)


def test_without_coordinates_is_the_2d_mode():
    model, graphs = encoder(), samples.molecules()
    expected = model(Batch.from_data_list(graphs), "2d")
    assert_same_output(model(Batch.from_data_list([unknown(graph) for graph in graphs])), expected)
    for graph in graphs:
        graph.pos = None
    assert_same_output(model(Batch.from_data_list(graphs)), expected)


@MODALITIES
@pytest.mark.parametrize("size", [1, 4])
def test_molecules_without_bonds(size: int, modality: str):
    model = encoder()
    pos = torch.randn(size, 3, generator=torch.Generator().manual_seed(0))
    alone = model(samples.methane_like(pos=pos), modality)
    assert alone.atoms.shape == (size, 16)
    assert alone.graph.isfinite().all()
    assert alone.atoms.isfinite().all()
    beside = model(Batch.from_data_list([samples.molecules()[2], samples.methane_like(pos=pos)]), modality)
    samples.assert_same(beside.graph[1:], alone.graph)
    samples.assert_same(beside.atoms[-size:], alone.atoms)


def test_fragments_know_of_each_other():
    r"""Unreachable pairs have a bias of their own, so a salt is not two molecules."""
    model, salt = encoder(), samples.molecules()[0]
    assert AddRelations()(salt).spd.max() == 255
    output = model(salt, "2d")
    anion = model(salt.subgraph(torch.arange(4)), "2d")
    assert not torch.allclose(output.atoms[:4], anion.atoms, rtol=1e-3)


@MODALITIES
def test_gradients_are_finite_even_where_atoms_coincide(modality: str):
    model, graphs = encoder(), samples.molecules()
    graphs[0].pos[1] = graphs[0].pos[0]
    graphs[2].pos[:] = 0
    batch = Batch.from_data_list([*graphs, samples.methane_like(pos=torch.zeros(1, 3))])
    batch.pos.requires_grad_()
    output = model.train()(batch, modality)
    (output.graph.square().sum() + output.atoms.sum()).backward()
    assert samples.finite_gradients(model)
    of_pos = batch.pos.grad
    if modality == "2d":
        assert of_pos is None or not of_pos.any()  # nothing of the geometry is computed
    else:
        assert of_pos.isfinite().all()
        assert of_pos.any()


def test_every_parameter_gets_a_gradient():
    model = encoder()
    output = model(Batch.from_data_list(samples.molecules()))
    (output.graph.square().sum() + output.atoms.pow(3).sum()).backward()
    assert not [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]


@MODALITIES
def test_attached_relations_give_the_same_numbers_as_derived_ones(modality: str):
    model, graphs = encoder(), samples.molecules()
    derived = model(Batch.from_data_list(graphs), modality)
    attached = model(Batch.from_data_list([AddRelations()(graph) for graph in graphs]), modality)
    assert torch.equal(attached.graph, derived.graph)
    assert torch.equal(attached.atoms, derived.atoms)


def test_an_atom_may_lie_at_the_origin():
    model, data = encoder(), samples.molecules(1)[0]
    shifted = data.clone()
    shifted.pos = data.pos - data.pos[1]  # atom 1 has the coordinates that others take for padding
    assert not shifted.pos[1].any()
    samples.assert_same(model(shifted, "3d").graph, model(data, "3d").graph, tolerance=1e-5)
    assert (model(shifted, "3d").graph - model(data, "2d").graph).abs().max() > 1e-3


def test_distances_of_twenty_bonds_and_more_are_told_apart():
    def chain(length: int) -> Data:
        atoms = samples.methane_like().x.repeat(length, 1)
        ends = torch.arange(length - 1)
        edge_index = torch.cat([torch.stack([ends, ends + 1]), torch.stack([ends + 1, ends])], 1)
        return Data(x=atoms, edge_index=edge_index, edge_attr=torch.zeros(edge_index.size(1), 3, dtype=torch.long))

    model, molecule = encoder(), chain(30)
    before = model(molecule).graph
    with torch.no_grad():
        model.attention_bias.blend.relations["spd"].table.weight[25] += 1.0
    assert (model(molecule).graph - before).abs().max() > 1e-4  # pairs 25 bonds apart attend by a row of their own
    same = chain(20)  # no pair is 25 bonds apart
    first = model(same).graph
    with torch.no_grad():
        model.attention_bias.blend.relations["spd"].table.weight[25] += 1.0
    assert torch.equal(model(same).graph, first)
