import networkx as nx
import other_graphs
import pytest
import samples
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.transforms import ToSparseTensor, VirtualNode
from torch_geometric.utils import add_self_loops, to_networkx, to_torch_coo_tensor, to_torch_csr_tensor
from torch_geometric.utils import from_smiles as pyg_from_smiles

from pyg_moleblend.chem import from_smiles, pyg_to_ogb_features
from pyg_moleblend.fields import bond_class
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import pack
from pyg_moleblend.utils.graph_input import (
    as_data,
    check_edge_features,
    has_virtual_node,
    is_connected,
    molecule_of_atoms,
    pairs_fit_bonds,
    plain_edges,
    raise_for_virtual_node,
)

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


STALE = r"pair fields of the batch are not those of its bonds.*transforms\.AddRelations"
FIELDS = [("spd", "bond_path"), ("spd",), ("bond_path",)]


def related(smiles: str = "CC(=O)Nc1ccccc1") -> Data:
    return AddRelations()(from_smiles(smiles))


def plain(smiles: str) -> Data:
    data = related(smiles)
    return Data(x=data.x, edge_index=data.edge_index, edge_attr=data.edge_attr, spd=data.spd, bond_path=data.bond_path)


def with_fields(data: Data, source: Data, names: tuple[str, ...] = FIELDS[0]) -> Data:
    r"""The molecule with the pair fields of another, and no others."""
    data = data.clone()
    for name in FIELDS[0]:
        if name in data:
            del data[name]
        if name in names:
            data[name] = source[name]
    return data


def right(data: Data) -> bool:
    r"""Whether the pair fields are those of the bonds, by networkx."""
    graph, size = nx.DiGraph(), data.num_nodes
    graph.add_nodes_from(range(size))
    graph.add_edges_from(data.edge_index.T.tolist())
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    expected = torch.tensor([[lengths[i].get(j, 255) for j in range(size)] for i in range(size)])
    same = torch.equal(pack(data).pairs["spd"][0].long(), expected)
    first = torch.zeros(size, size, dtype=torch.uint8)
    first[tuple(data.edge_index)] = bond_class(data.edge_attr)
    hops = pack(data).pairs["bond_path"][0]
    return same and torch.equal(hops[..., 0][expected == 1], first[expected == 1])


@pytest.mark.parametrize("names", FIELDS, ids="+".join)
def test_fields_of_these_very_bonds_are_taken(names: tuple[str, ...]):
    graphs = [AddRelations()(graph) for graph in samples.molecules()]
    given = pack(Batch.from_data_list([with_fields(graph, graph, names) for graph in graphs]))
    derived = pack(Batch.from_data_list([with_fields(graph, graph, ()) for graph in graphs]))
    assert all(torch.equal(value, derived.pairs[name]) for name, value in given.pairs.items())


@pytest.mark.parametrize("names", FIELDS, ids="+".join)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_atoms_in_another_order_are_told(names: tuple[str, ...], place: int):
    r"""As a transform does that reorders atoms and bonds, and does not know of pair fields."""
    data = related()
    order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(place))
    moved = Data(x=data.x[order], edge_index=order.argsort()[data.edge_index], edge_attr=data.edge_attr)
    graphs = [plain(smiles) for smiles in ("CCO", "C", "C1CC1")]
    pack(Batch.from_data_list([*graphs[:place], AddRelations()(moved.clone()), *graphs[place:]]))
    stale = with_fields(moved, data, names)
    graphs = [with_fields(graph, graph, names) for graph in graphs]
    with pytest.raises(ValueError, match=STALE):
        pack(Batch.from_data_list([*graphs[:place], stale, *graphs[place:]]))


def test_symmetric_atoms_may_change_places():
    benzene = related("c1ccccc1")
    turned = torch.arange(6).roll(1)
    data = Data(x=benzene.x[turned], edge_index=turned.argsort()[benzene.edge_index], edge_attr=benzene.edge_attr)
    assert right(with_fields(data, benzene))


@pytest.mark.parametrize("names", FIELDS, ids="+".join)
@pytest.mark.parametrize("number", range(4))
def test_a_dropped_bond_is_told(names: tuple[str, ...], number: int):
    data = related()
    keep = torch.ones(data.num_edges, dtype=torch.bool)
    keep[2 * number : 2 * number + 2] = False
    fewer = Data(x=data.x, edge_index=data.edge_index[:, keep], edge_attr=data.edge_attr[keep])
    with pytest.raises(ValueError, match=STALE):
        pack(with_fields(fewer, data, names))


def test_a_bond_dropped_in_one_direction_is_told():
    data = related()
    one_way = Data(x=data.x, edge_index=data.edge_index[:, 1:], edge_attr=data.edge_attr[1:])
    with pytest.raises(ValueError, match=STALE):
        pack(with_fields(one_way, data))
    for half in (one_way, AddRelations()(one_way)):
        with pytest.raises(ValueError, match=r"both directions.*transforms\.ToUndirected\(\)"):
            pack(half)


def test_a_dropped_bond_is_told_where_another_one_is_doubled():
    data = related()
    keep = torch.arange(data.num_edges)
    keep[:2] = keep[2:4]
    changed = Data(x=data.x, edge_index=data.edge_index[:, keep], edge_attr=data.edge_attr[keep])
    with pytest.raises(ValueError, match=STALE):
        pack(with_fields(changed, data))


@pytest.mark.parametrize("names", FIELDS, ids="+".join)
def test_an_added_bond_is_told(names: tuple[str, ...]):
    data = related("CCCCO")
    ring = torch.tensor([[0, 4], [4, 0]])
    edge_index = torch.cat([data.edge_index, ring], 1)
    more = Data(x=data.x, edge_index=edge_index, edge_attr=torch.cat([data.edge_attr, data.edge_attr[:2]]))
    with pytest.raises(ValueError, match=STALE):
        pack(with_fields(more, data, names))


@pytest.mark.parametrize("names", [FIELDS[0], FIELDS[2]], ids="+".join)
def test_a_bond_of_another_class_is_told(names: tuple[str, ...]):
    data = related("CCO")
    other = data.clone()
    other.edge_attr[:2] = torch.tensor([1, 0, 0])
    with pytest.raises(ValueError, match=STALE):
        pack(with_fields(other, data, names))
    assert pack(with_fields(other, data, ("spd",))).pairs["spd"].any()  # distances do not mind


@pytest.mark.parametrize("names", FIELDS, ids="+".join)
@pytest.mark.parametrize(("smiles", "other"), [("CCCO", "CC(C)O"), ("C1CCC1", "CCCC"), ("CC", "C.C")])
def test_fields_of_another_molecule_of_the_same_size_are_told(smiles: str, other: str, names: tuple[str, ...]):
    data = with_fields(related(smiles), related(other), names)
    with pytest.raises(ValueError, match=STALE):
        pack(data)
    with pytest.raises(ValueError, match=STALE):
        pack(Batch.from_data_list([with_fields(related("CC"), related("CC"), names), data]))


@pytest.mark.parametrize("names", FIELDS, ids="+".join)
def test_fields_of_a_molecule_with_the_same_bonds_are_right(names: tuple[str, ...]):
    assert right(with_fields(related("CCO"), related("OCC"), names))


def test_fields_that_changed_places_in_a_batch_are_told():
    first, second = related("CCCO"), related("CC(C)O")
    pack(Batch.from_data_list([first, second]))
    with pytest.raises(ValueError, match=STALE):
        pack(Batch.from_data_list([with_fields(first, second), with_fields(second, first)]))


@pytest.mark.parametrize("names", FIELDS, ids="+".join)
def test_bonds_that_are_given_twice_are_right(names: tuple[str, ...]):
    data = related()
    twice = Data(x=data.x, edge_index=data.edge_index.repeat(1, 2), edge_attr=data.edge_attr.repeat(2, 1))
    assert right(with_fields(twice, data, names))
    assert right(AddRelations()(twice.clone()))


@pytest.mark.parametrize("names", FIELDS, ids="+".join)
def test_bonds_of_an_atom_with_itself_are_none(names: tuple[str, ...]):
    data = related()
    edge_index, edge_attr = add_self_loops(data.edge_index, data.edge_attr, fill_value=0, num_nodes=data.num_nodes)
    looped = Data(x=data.x, edge_index=edge_index, edge_attr=edge_attr)
    packed = pack(with_fields(looped, data, names))
    expected = pack(with_fields(data, data, ()))
    assert all(torch.equal(value, expected.pairs[name]) for name, value in packed.pairs.items())
    assert torch.equal(packed.degree, expected.degree)
    attached = pack(AddRelations()(looped.clone()))
    assert all(torch.equal(value, expected.pairs[name]) for name, value in attached.pairs.items())


def test_bonds_between_molecules_are_told():
    batch = Batch.from_data_list([related("CCO"), related("CC")])
    batch.edge_index[0, 0] = 4
    with pytest.raises(ValueError, match=STALE):
        pack(batch)


def test_without_bonds_nothing_has_one_hop():
    lone = AddRelations()(samples.methane_like(pos=torch.zeros(3, 3)))
    assert (pack(lone).pairs["spd"][0] == 255).sum() == 6
    with pytest.raises(ValueError, match=STALE):
        pack(with_fields(lone, related("CCO")))


def test_without_edge_index_the_fields_are_believed():
    data = related("CCO")
    cloud = Data(x=data.x, spd=data.spd, bond_path=data.bond_path)
    assert torch.equal(pack(cloud).pairs["spd"][0].flatten(), data.spd)


def test_nobody_looks_at_fields_that_are_absent():
    data = related("CCO")
    counts = torch.tensor([3])
    assert pairs_fit_bonds(with_fields(data, data, ()), None, None, counts) is None
    fits = pairs_fit_bonds(data, bond_class(data.edge_attr), None, counts)
    assert isinstance(fits, Tensor)
    assert fits.item() is True


def test_a_field_has_a_row_for_each_pair():
    data = related("CCO")
    data.spd = data.spd[:-1]
    with pytest.raises(ValueError, match=r"`spd` holds 8 rows, but molecules of \[3\] atoms have 9 pairs"):
        pack(data)


def test_paths_that_were_cut_after_one_hop_are_looked_at_where_there_is_a_bond():
    r"""A path of one hop then looks like the start of a longer one."""
    short = AddRelations(max_path_length=1)
    data = short(from_smiles("CC=CCO"))
    pack(with_fields(data, data, ("bond_path",)), max_path_length=1)
    with pytest.raises(ValueError, match=STALE):
        pack(with_fields(short(from_smiles("CCCCO")), data, ("bond_path",)), max_path_length=1)


def test_a_field_that_is_not_wanted_tells_of_the_others():
    data = related("CCCO")
    data.resistance = torch.rand(16)
    pack(data, ["resistance"])
    with pytest.raises(ValueError, match=STALE):
        pack(with_fields(data, related("CC(C)O")), ["resistance"])
    data.spd = data.spd[:9]
    with pytest.raises(ValueError, match="`spd` holds 9 rows"):
        pack(data, ["resistance"])


def test_a_path_of_another_shape_is_told():
    data = related("CCO")
    data.bond_path = data.bond_path[:, 0]
    with pytest.raises(ValueError, match=r"`bond_path` must have shape \[ΣN², P\], got \[9\]"):
        pack(data)


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


@pytest.mark.parametrize("smiles", ["C", "CCO", "c1ccccc1", "O=C=O", "FC(F)F"])
def test_features_of_pyg_are_told_from_ogbs(smiles: str):
    with pytest.raises(ValueError, match=r"PyG's own|pyg_to_ogb_features"):
        pack(pyg_from_smiles(smiles), ())
    pack(pyg_to_ogb_features(pyg_from_smiles(smiles)))


@pytest.mark.parametrize("name", ["pos", "own_atom", "own_graph"])
def test_infinite_numbers_are_damage_and_nan_is_none(name: str):
    data = related("CCO")
    data[name] = torch.full((1 if name == "own_graph" else 3, 3), torch.nan)
    fields = {"atom_fields": ("own_atom",)} if name == "own_atom" else {"graph_fields": ("own_graph",)}
    pack(data, **({} if name == "pos" else fields))
    data[name][0, 1] = -torch.inf
    with pytest.raises(ValueError, match=rf"\['{name}'\] of the batch hold infinite numbers"):
        pack(data, **({} if name == "pos" else fields))


def test_one_row_of_edge_features_is_not_taken_for_all():
    data = related("CCO")
    for attr in (data.edge_attr[:1], data.edge_attr[0, 0]):
        with pytest.raises(ValueError, match="rows for 4 edges"):
            pack(Data(x=data.x, edge_index=data.edge_index, edge_attr=attr))


@pytest.mark.parametrize("smiles", ["C~[Fe]", "N~[Co](~N)(~N)(~N)(~N)~N", "F[P-](F)(F)(F)(F)F", "[Ar]", "C#N"])
def test_unusual_molecules_are_not_taken_for_pygs(smiles: str):
    pack(from_smiles(smiles))


@pytest.mark.parametrize("edge", range(4))
def test_a_bond_that_differs_by_direction_is_named(edge: int):
    data = from_smiles("C=CO")
    other = data.edge_attr.clone()
    other[edge, 2] = 1 - other[edge, 2]
    source, target = data.edge_index[:, edge & ~1].tolist()
    with pytest.raises(ValueError, match=rf"same features in both directions: that of atoms {source} and {target} "):
        pack(Data(x=data.x, edge_index=data.edge_index, edge_attr=other))
    pack(Data(x=data.x, edge_index=data.edge_index, edge_attr=other), pair_fields=("spd",))  # which nobody reads


def test_edges_of_another_shape_are_refused():
    for shape in ([4, 2], [4]):
        with pytest.raises(ValueError, match=r"`edge_index` must be \[2, E\], got shape \[4"):
            as_data(Data(edge_index=torch.zeros(shape, dtype=torch.long)))
