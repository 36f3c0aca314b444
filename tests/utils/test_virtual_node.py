import other_graphs
import pytest
import samples
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import VirtualNode

from pyg_moleblend.utils.virtual_node import has_virtual_node, raise_for_virtual_node


def graphs() -> list[Data]:
    made = [*other_graphs.zinc(), *samples.molecules(6), other_graphs.social(), other_graphs.mesh(2, 3)]
    return [Data(x=graph.x.float(), edge_index=graph.edge_index) for graph in made]


def found(data: Data) -> bool:
    counts = data.ptr.diff() if isinstance(data, Batch) else torch.tensor([data.num_nodes])
    return bool(has_virtual_node(data, data.get("batch"), counts))


@pytest.mark.parametrize("number", range(13))
def test_the_node_is_found_wherever_it_was_added(number: int):
    graph = graphs()[number]
    assert found(graph) is False
    assert found(VirtualNode()(graph))
    graph.edge_type = torch.arange(graph.num_edges) % 3
    assert not found(graph)
    assert found(VirtualNode()(graph))


@pytest.mark.parametrize("number", [0, 2, 4])
def test_one_molecule_of_a_batch_may_have_it(number: int):
    made = [graph for graph in graphs() if graph.x.size(1) == 1]
    for graph in made:
        graph.edge_type = torch.zeros(graph.num_edges, dtype=torch.long)
    assert not found(Batch.from_data_list(made))
    made[number] = VirtualNode()(made[number])
    assert found(Batch.from_data_list(made))


def test_a_last_atom_with_features_is_an_atom():
    graph = VirtualNode()(graphs()[0])
    graph.x[-1] = 3
    assert not found(graph)


def test_types_that_others_have_too_are_no_sign_of_it():
    graph = VirtualNode()(graphs()[1])
    graph.edge_type[0] = graph.edge_type.max()
    assert not found(graph)


def test_a_type_of_another_shape_is_something_else():
    graph = graphs()[0]
    for value in (torch.zeros(graph.num_edges, 2), "relation", torch.zeros(1)):
        graph.edge_type = value
        assert found(graph) is False


def test_the_remedy_is_named():
    with pytest.raises(ValueError, match="leave that transform out"):
        raise_for_virtual_node()
