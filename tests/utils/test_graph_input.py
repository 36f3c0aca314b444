import networkx as nx
import other_graphs
import pytest
import samples
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.transforms import ToSparseTensor
from torch_geometric.utils import to_networkx, to_torch_coo_tensor, to_torch_csr_tensor

from pyg_moleblend.utils.graph_input import as_data, check_edge_features, is_connected, molecule_of_atoms, plain_edges

ENDS = torch.tensor([[0, 2, 1], [1, 0, 2]])
SORTED = torch.tensor([[2, 0, 1], [0, 1, 2]])  # by where they end, as the rows of a transposed matrix


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 12), density=st.floats(0, 3), seed=st.integers(0, 999))
def test_connected_graphs_are_those_of_networkx(size: int, density: float, seed: int):
    generator = torch.Generator().manual_seed(seed)
    ends = (torch.rand(size, size, generator=generator) < density / size).nonzero().T  # directed, with loops
    graph = to_networkx(Data(edge_index=ends, num_nodes=size), to_undirected=False)
    assert is_connected(ends, size) == nx.is_weakly_connected(graph)


def test_connected_graphs_of_any_length():
    chain = torch.stack([torch.arange(299), torch.arange(1, 300)])
    assert is_connected(chain, 300)
    assert not is_connected(chain, 301)
    assert not is_connected(torch.cat([chain[:, :150], chain[:, 151:]], 1), 300)


@pytest.mark.parametrize("make", [to_torch_csr_tensor, to_torch_coo_tensor])
def test_matrices_become_edges_from_row_to_column(make):
    kinds = torch.tensor([5, 6, 7])
    ends, attr = plain_edges(make(ENDS.flip(0), kinds, size=3))
    assert torch.equal(ends, SORTED)
    assert attr.tolist() == [6, 5, 7]
    ends, attr = plain_edges(make(ENDS.flip(0), size=3))
    assert torch.equal(ends, SORTED)
    assert attr is None  # ones, which are weights
    given_attr = torch.tensor([1, 2, 3])
    assert plain_edges(make(ENDS.flip(0), kinds, size=3), given_attr)[1] is given_attr


def test_plain_edges_stay_as_they_are():
    attr = torch.ones(3)
    assert plain_edges(ENDS, attr) == (ENDS, attr)
    assert plain_edges(ENDS)[1] is None


def test_data_get_their_edges_back():
    graph = samples.molecules(3)[2]
    sparse = ToSparseTensor()(graph)
    data = as_data(sparse)
    assert "edge_index" not in sparse  # which is not written to
    found, expected = (
        dict(zip(map(tuple, d.edge_index.T.tolist()), d.edge_attr.tolist(), strict=True)) for d in (data, graph)
    )
    assert found == expected
    assert as_data(graph) is graph
    assert torch.equal(as_data(graph.to_dict()).edge_index, graph.edge_index)


def test_several_types_of_nodes_are_refused():
    data = HeteroData()
    data["a"].x, data["b"].x = torch.zeros(1), torch.zeros(1)
    with pytest.raises(ValueError, match=r"node types \['a', 'b'\]"):
        as_data(data)


@pytest.mark.parametrize("graph", ["CCO", [Data()], None])
def test_what_is_no_graph_is_refused(graph: object):
    with pytest.raises(ValueError, match=f"expected a Data or a Batch, got {type(graph).__name__}; .*from_data_list"):
        as_data(graph)


def test_the_molecule_of_each_atom():
    batch = Batch.from_data_list(other_graphs.zinc())
    assert torch.equal(molecule_of_atoms(batch), batch.batch)
    index = batch.batch
    del batch.batch
    assert torch.equal(molecule_of_atoms(batch), index)
    del batch.ptr
    with pytest.raises(ValueError, match="a batch of 5 molecules has neither"):
        molecule_of_atoms(batch)
    assert molecule_of_atoms(other_graphs.zinc()[0]) is None


def test_each_edge_has_its_features():
    check_edge_features(ENDS, torch.zeros(3))
    with pytest.raises(ValueError, match="has 2 rows for 3 edges"):
        check_edge_features(ENDS, torch.zeros(2))
