import networkx as nx
import pytest
import samples
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.utils import from_networkx, to_networkx

from pyg_moleblend.fields import SPD_UNREACHABLE
from pyg_moleblend.nn import ResistanceBias, SPDBias
from pyg_moleblend.nn.relations.resistance import resistance
from pyg_moleblend.utils import DenseMolecules, pack


def graph_of(graph: nx.Graph) -> Data:
    edges = from_networkx(graph).edge_index
    pos = torch.zeros(graph.number_of_nodes(), 3)
    return samples.methane_like(pos=pos, edge_index=edges, edge_attr=torch.zeros(edges.size(1), 3, dtype=torch.long))


def packed(*graphs: Data) -> DenseMolecules:
    return pack(Batch.from_data_list(graphs), ["spd"])


def resistances(molecules: DenseMolecules) -> torch.Tensor:
    return resistance(molecules.pairs["spd"], molecules.mask)


GRAPHS = [nx.path_graph(7), nx.cycle_graph(6), nx.complete_graph(5), nx.cubical_graph(), nx.ladder_graph(6)]


def test_it_is_networkxs():
    graphs = [*samples.molecules(), *(graph_of(graph) for graph in GRAPHS)]
    molecules = packed(*graphs)
    found, apart = resistances(molecules), 0
    for values, data in zip(found, graphs, strict=True):
        graph = to_networkx(data, to_undirected=True)
        expected = torch.zeros(data.num_nodes, data.num_nodes, dtype=torch.float64)
        for part in nx.connected_components(graph):
            apart += len(part) < data.num_nodes
            for i, row in nx.resistance_distance(graph.subgraph(part)).items() if len(part) > 1 else ():
                for j, value in row.items():
                    expected[i, j] = value
        torch.testing.assert_close(values[: data.num_nodes, : data.num_nodes], expected, rtol=0, atol=1e-9)
    assert apart > 1  # a salt is among them
    assert not found[~molecules.pair_mask].any()


@pytest.mark.parametrize("seed", range(3))
def test_in_a_tree_it_is_the_number_of_bonds(seed: int):
    molecules = packed(graph_of(nx.random_labeled_tree(40, seed=seed)))
    torch.testing.assert_close(resistances(molecules), molecules.pairs["spd"].double())


def test_in_a_tree_the_bias_is_that_of_shortest_paths():
    module, spd = samples.randomized(ResistanceBias(3, max_resistance=40, steps=1)), samples.randomized(SPDBias(3))
    with torch.no_grad():
        spd.table.weight[:41] = module.table.weight
    molecules = packed(graph_of(nx.random_labeled_tree(30, seed=0)))
    torch.testing.assert_close(module(molecules), spd(molecules), rtol=1e-5, atol=1e-5)


def test_rings_lie_nearer_than_chains():
    ring, chain = resistances(packed(graph_of(nx.cycle_graph(6)), graph_of(nx.path_graph(6))))
    assert ring[0, 1].item() == pytest.approx(5 / 6)  # one ohm beside five
    assert ring[0, 3].item() == pytest.approx(3 / 2)  # three beside three
    assert chain[0, 3].item() == pytest.approx(3)


def test_bias_is_piecewise_linear_between_its_values():
    module = samples.randomized(ResistanceBias(heads=2, max_resistance=3, steps=2)).double()
    bias = module(packed(graph_of(nx.cycle_graph(6))))[0]
    table = module.table.weight  # at 0, 0.5, ... 3 ohm
    torch.testing.assert_close(bias[:, 0, 1], table[1] / 3 + table[2] * 2 / 3)  # 5/6 ohm
    torch.testing.assert_close(bias[:, 0, 3], table[3])
    torch.testing.assert_close(bias[:, 0, 0], table[0])


def test_beyond_the_largest_resistance_pairs_share_a_value():
    module = samples.randomized(ResistanceBias(heads=2, max_resistance=3, steps=2))
    bias = module(packed(graph_of(nx.path_graph(8))))[0]
    for far in (3, 4, 7):
        torch.testing.assert_close(bias[:, 0, far], module.table.weight[-1])


def test_fragments_have_a_value_of_their_own():
    module, molecules = samples.randomized(ResistanceBias(heads=2)), packed(samples.molecules(1)[0])
    apart = molecules.pairs["spd"] == SPD_UNREACHABLE
    assert apart.any()
    bias = module(molecules).permute(0, 2, 3, 1)
    assert torch.equal(bias[apart], module.apart.expand(int(apart.sum()), 2))


def test_a_long_chain_is_exact():
    r"""Its matrix is ill-conditioned: in float32 the error would be seen."""
    molecules = packed(graph_of(nx.path_graph(250)))
    torch.testing.assert_close(resistances(molecules), molecules.pairs["spd"].double(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"max_resistance": 0}, {"steps": 0}])
def test_bad_arguments(wrong: dict[str, int]):
    with pytest.raises(ValueError, match="got"):
        ResistanceBias(2, **wrong)
