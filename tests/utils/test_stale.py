r"""Pair fields that were computed for other bonds than a batch has: an error, or still right."""

import networkx as nx
import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import add_self_loops

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.fields import bond_class
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import pack
from pyg_moleblend.utils.stale import pairs_fit_bonds

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
    assert right(AddRelations()(one_way))


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
