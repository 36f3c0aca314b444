import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import GINConv, GPSConv, Sequential, global_add_pool
from torch_geometric.utils import add_self_loops

from pyg_moleblend.nn import DistanceBias, MoleBlendConv

C = 8


def conv(**arguments: object) -> MoleBlendConv:
    return samples.randomized(MoleBlendConv(C, heads=2, num_gaussians=6, **arguments))


def features(batch: Batch, seed: int = 0) -> Tensor:
    return torch.randn(batch.num_nodes, C, generator=torch.Generator().manual_seed(seed))


def inputs() -> tuple[Batch, Tensor]:
    batch = Batch.from_data_list(samples.molecules(4))
    return batch, features(batch)


def test_a_batch_is_its_molecules():
    module, (batch, x) = conv(num_types=119), inputs()
    types = batch.x[:, 0]
    together = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos, types)
    assert together.shape == x.shape
    for number, graph in enumerate(batch.to_data_list()):
        own = batch.batch == number
        alone = module(x[own], graph.edge_index, graph.edge_attr, None, graph.pos, types[own])
        samples.assert_same(together[own], alone)


def test_molecules_in_another_order():
    module, (batch, x) = conv(), inputs()
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    order = [2, 0, 3, 1]
    other = Batch.from_data_list([batch[number] for number in order])
    rows = torch.cat([(batch.batch == number).nonzero().flatten() for number in order])
    again = module(x[rows], other.edge_index, other.edge_attr, other.batch, other.pos)
    samples.assert_same(again, output[rows])


def test_atoms_in_another_order():
    r"""Without bond features every path looks alike, so no tie between paths depends on the atoms' order."""
    module, graph = conv(num_types=119), samples.molecules(3)[2]
    x, order = features(graph), torch.randperm(graph.num_nodes, generator=torch.Generator().manual_seed(0))
    output = module(x, graph.edge_index, pos=graph.pos, atom_type=graph.x[:, 0])
    edges = order.argsort()[graph.edge_index]
    again = module(x[order], edges, pos=graph.pos[order], atom_type=graph.x[order, 0])
    samples.assert_same(again, output[order])


def test_a_turned_molecule_is_the_same():
    module, graph = conv(), samples.molecules(3)[2]
    x, moved = features(graph), samples.moved(graph)
    output = module(x, graph.edge_index, graph.edge_attr, pos=graph.pos)
    samples.assert_same(module(x, graph.edge_index, graph.edge_attr, pos=moved.pos), output)


def test_every_input_matters():
    module, (batch, x) = conv(num_types=119), inputs()
    given = {"edge_attr": batch.edge_attr, "batch": batch.batch, "pos": batch.pos, "atom_type": batch.x[:, 0]}
    full = module(x, batch.edge_index, **given)
    for name in given:
        without = module(x, batch.edge_index, **{key: value for key, value in given.items() if key != name})
        assert without.isfinite().all()
        assert not torch.allclose(without, full), name
    assert not torch.allclose(module(x, batch.edge_index[:, :0], batch.edge_attr[:0], batch.batch, batch.pos), full)


def test_without_features_all_bonds_are_alike():
    module, (batch, x) = conv(), inputs()
    plain = module(x, batch.edge_index, None, batch.batch)
    named = module(x, batch.edge_index, torch.zeros_like(batch.edge_attr), batch.batch)
    assert torch.equal(plain, named)


def test_molecules_with_unknown_coordinates_are_2d():
    module, (batch, x) = conv(), inputs()
    pos = batch.pos.clone()
    pos[batch.ptr[2]] = float("nan")
    mixed = module(x, batch.edge_index, batch.edge_attr, batch.batch, pos)
    in_3d = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    in_2d = module(x, batch.edge_index, batch.edge_attr, batch.batch)
    second = batch.batch == 2
    samples.assert_same(mixed, torch.where(second[:, None], in_2d, in_3d))
    assert not torch.allclose(in_2d[second], in_3d[second])


def test_self_loops_change_nothing():
    module, (batch, x) = conv(), inputs()
    looped, _ = add_self_loops(batch.edge_index, num_nodes=batch.num_nodes)
    samples.assert_same(module(x, looped, None, batch.batch), module(x, batch.edge_index, None, batch.batch))


def test_bonds_of_one_category():
    module, (batch, x) = conv(bond_vocabulary=4), inputs()
    categories = torch.arange(batch.num_edges) // 2 % 4
    output = module(x, batch.edge_index, categories, batch.batch)
    assert not torch.allclose(output, module(x, batch.edge_index, (categories + 1) % 4, batch.batch))
    with pytest.raises(ValueError, match="bond categories must be from 0 to 3"):
        module(x, batch.edge_index, categories + 1, batch.batch)


def test_relations_of_ones_own_take_the_place_of_the_three():
    module, (batch, x) = conv(relations={"far": DistanceBias(2, 6)}), inputs()
    assert list(module.blend.modalities) == ["far"]
    without = module(x, batch.edge_index[:, :0], None, batch.batch, batch.pos)
    samples.assert_same(module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos), without)
    assert not torch.allclose(module(x, batch.edge_index, None, batch.batch, 2 * batch.pos), without)


def test_nodes_must_be_sorted_by_molecule():
    module, (batch, x) = conv(), inputs()
    with pytest.raises(ValueError, match="must be sorted"):
        module(x, batch.edge_index, None, batch.batch.flip(0))


def test_within_sequential():
    batch, x = inputs()
    model = Sequential(
        "x, edge_index, edge_attr, batch, pos",
        [
            (MoleBlendConv(C, heads=2), "x, edge_index, edge_attr, batch, pos -> h"),
            (MoleBlendConv(C, heads=4, drop_path=0.1, ffn_channels=12), "h, edge_index, edge_attr, batch -> h"),
            (global_add_pool, "h, batch -> h"),
            nn.Linear(C, 1),
        ],
    )
    output = model(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    assert output.shape == (4, 1)
    output.sum().backward()
    assert samples.finite_gradients(model)


def test_beside_gps():
    batch, x = inputs()
    gps = GPSConv(C, GINConv(nn.Linear(C, C)), heads=2)
    model = Sequential(
        "x, edge_index, edge_attr, batch",
        [(gps, "x, edge_index, batch -> h"), (MoleBlendConv(C, heads=2), "h, edge_index, edge_attr, batch -> h")],
    )
    output = model(x, batch.edge_index, batch.edge_attr, batch.batch)
    output.sum().backward()
    assert output.shape == x.shape
    assert samples.finite_gradients(model)


def test_reset_draws_fresh_weights():
    module = conv()
    module.reset_parameters()
    assert not module.layer.ffn_in.bias.any()
    assert not module.blend.relations["distance"].linear1.bias.any()
    assert (module.gaussians.scale == 1).all()


def test_printed_form():
    assert str(MoleBlendConv(C, heads=2)) == "MoleBlendConv(8, heads=2)"
