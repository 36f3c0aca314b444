import golden_data
import pytest
import samples
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.data import Batch, Data

from pyg_moleblend import fields
from pyg_moleblend.fields import bond_class
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import DenseMolecules, pack


def equal(first: DenseMolecules, second: DenseMolecules) -> bool:
    def flat(molecules: DenseMolecules) -> dict[str, Tensor]:
        parts = {name: value for name, value in molecules._asdict().items() if isinstance(value, Tensor)}
        for level in ("pairs", "atoms", "graphs"):
            parts.update({f"{level}.{name}": value for name, value in getattr(molecules, level).items()})
        return parts

    one, other = flat(first), flat(second)
    same = all(torch.equal(value, other[name]) for name, value in one.items()) if one.keys() == other.keys() else False
    return same and first.modalities == second.modalities


def release_path(bonds: Tensor) -> Tensor:
    r"""The release's bond features ``[..., 3]``, -1 where there is none, as bond classes."""
    return bond_class(bonds.clamp(min=0)) * (bonds[..., 0] >= 0)


@pytest.mark.parametrize("attached", [False, True], ids=["derived", "attached"])
def test_relations_of_all_golden_molecules_are_bit_exact(attached: bool):
    cases = golden_data.relation_cases()
    graphs = [Data(x=c.graph.x, edge_index=c.graph.edge_index, edge_attr=c.graph.edge_attr) for c in cases]
    graphs = [AddRelations()(graph) for graph in graphs] if attached else graphs
    molecules = pack(Batch.from_data_list(graphs))
    for number, case in enumerate(cases):
        size = case.graph.num_nodes
        assert torch.equal(molecules.pairs["spd"][number, :size, :size].long(), case.spd), case.smiles
        assert torch.equal(molecules.pairs["bond_path"][number, :size, :size], release_path(case.bonds)), case.smiles
        assert torch.equal(molecules.degree[number, :size], case.degree), case.smiles
        assert torch.equal(molecules.x[number, :size], case.graph.x)
        assert molecules.mask[number].sum() == size


def test_one_molecule_is_a_batch_of_one():
    data = golden_data.public_graphs()[0]
    assert equal(pack(data), pack(Batch.from_data_list([data])))


def test_no_coordinates_means_2d_only():
    data = golden_data.public_graphs()[0]
    data.pos = None
    molecules = pack(data)
    assert molecules.has_2d.all()
    assert not molecules.has_3d.any()


@pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])
def test_modality_hides_the_other_one(modality: str):
    molecules = pack(golden_data.public_batch(), modality=modality)
    assert bool(molecules.has_2d.all()) == ("2d" in modality)
    assert bool(molecules.has_3d.all()) == ("3d" in modality)
    assert torch.equal(molecules.available("2d"), molecules.has_2d)
    assert torch.equal(molecules.available("3d"), molecules.has_3d)
    again = pack(pack(golden_data.public_batch()), modality=modality)
    assert equal(molecules._replace(pairs=again.pairs), again)


def test_a_point_cloud_needs_no_bonds():
    data = golden_data.public_graphs()[0]
    cloud = Data(x=data.x, pos=data.pos)
    molecules = pack(cloud, modality="3d")
    assert not molecules.pairs["spd"].any()
    assert torch.equal(molecules.pos[0], data.pos)
    with pytest.raises(ValueError, match="edge_index"):
        pack(cloud)


def test_wanted_pair_fields_are_laid_out():
    data = golden_data.public_graphs()[0]
    data.contact = torch.arange(13 * 13 * 2.0).view(-1, 2)
    molecules = pack(data, ["spd", "contact"])
    assert molecules.pairs.keys() == {"spd", "contact"}
    assert torch.equal(molecules.pairs["contact"][0], data.contact.view(13, 13, 2))


@pytest.mark.parametrize("hops", [1, 3, 5])
def test_more_hops_than_wanted_are_cut(hops: int):
    data = golden_data.public_graphs()[0]
    derived, attached = (pack(graph, max_path_length=hops) for graph in (data, AddRelations(7)(data)))
    assert derived.pairs["bond_path"].size(-1) == hops
    assert equal(derived, attached)


def test_fewer_hops_than_wanted_are_refused():
    with pytest.raises(ValueError, match=r"holds 3 hops, the model wants 5.*max_path_length=5"):
        pack(AddRelations(3)(golden_data.public_graphs()[0]))


def test_pair_fields_made_stale_by_a_subgraph_are_refused():
    stale = AddRelations()(golden_data.public_graphs()[0]).subgraph(torch.arange(5))
    with pytest.raises(ValueError, match=r"holds 169 rows.*\[5\] atoms have 25 pairs.*AddRelations"):
        pack(stale)


@pytest.mark.parametrize(("column", "value"), [(0, 119), (1, 5), (4, -1), (8, 2)])
def test_atom_features_out_of_the_vocabulary_are_refused(column: int, value: int):
    data = golden_data.public_graphs()[0]
    data.x[3, column] = value
    with pytest.raises(ValueError, match="pyg_to_ogb_features"):
        pack(data)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "no atom features `x`"),
        (torch.zeros(4), r"9 atom features a row, got shape \[4, 1\]"),
        (torch.zeros(4, 11), r"9 atom features a row, got shape \[4, 11\]"),
    ],
    ids=["absent", "flat", "qm9"],
)
def test_atom_features_of_another_shape_are_refused(x: Tensor | None, message: str):
    data = Data(x=x, edge_index=torch.zeros(2, 0, dtype=torch.long), num_nodes=4)
    with pytest.raises(ValueError, match=message):
        pack(data)


def test_molecules_without_atoms_are_refused():
    empty = Data(x=torch.zeros(0, 9).long(), edge_index=torch.zeros(2, 0).long(), edge_attr=torch.zeros(0, 3).long())
    full = golden_data.public_graphs()[0]
    full = Data(x=full.x, edge_index=full.edge_index, edge_attr=full.edge_attr)
    for graphs in ([empty], [full, empty], [empty, full]):
        with pytest.raises(ValueError, match="no atoms"):
            pack(Batch.from_data_list(graphs))


def test_3d_of_molecules_without_coordinates_is_refused_and_they_are_named():
    graphs = golden_data.public_graphs()[:4]
    graphs[1].pos = torch.full_like(graphs[1].pos, float("nan"))
    graphs[3].pos = torch.full_like(graphs[3].pos, float("nan"))
    with pytest.raises(ValueError, match=r"molecules \[1, 3\]"):
        pack(Batch.from_data_list(graphs), modality="3d")


def test_bond_features_are_asked_for():
    data = golden_data.public_graphs()[0]
    data.edge_attr = None
    assert pack(data, ["spd"]).pairs.keys() == {"spd"}
    with pytest.raises(ValueError, match="edge_attr"):
        pack(data)


def test_unknmade_pair_field_and_modality_are_named():
    data = samples.methane_like()
    with pytest.raises(ValueError, match="resistance"):
        pack(data, ["spd", "resistance"])
    with pytest.raises(ValueError, match="'4d'"):
        pack(data, modality="4d")


def test_types_of_integers_and_coordinates_do_not_matter():
    data = samples.molecules(1)[0]
    plain = pack(data)
    other = data.clone()
    other.x, other.edge_attr = data.x.to(torch.uint8), data.edge_attr.to(torch.uint8)
    other.edge_index, other.pos, other.has_pos = data.edge_index.int(), data.pos.half(), True
    packed = pack(other)
    assert torch.equal(packed.x, plain.x)
    assert all(torch.equal(packed.pairs[name], plain.pairs[name]) for name in plain.pairs)
    assert packed.pos.dtype == torch.float32
    torch.testing.assert_close(packed.pos, plain.pos, atol=5e-3, rtol=0)
    assert packed.has_3d.all()


@pytest.mark.parametrize(("name", "message"), [("x", "`x` must hold integers"), ("edge_attr", "must be integers")])
def test_features_that_are_no_integers_are_refused(name: str, message: str):
    data = samples.molecules(1)[0].clone()
    data[name] = data[name].float()
    with pytest.raises(ValueError, match=message):
        pack(data)


def test_has_pos_is_one_bool_a_molecule():
    data = samples.molecules(1)[0].clone()
    data.has_pos = torch.tensor([True, False])
    with pytest.raises(ValueError, match="`has_pos` must be one bool a molecule"):
        pack(data)


def with_own_fields(count: int = 3) -> list[Data]:
    graphs = samples.molecules(count)
    for number, graph in enumerate(graphs):
        size = graph.num_nodes
        graph.charge = torch.arange(size) - 1.5 * number
        graph.spin = torch.arange(size * 2).view(size, 2)
        graph.dipole = torch.tensor([[1.0, 2.0, float(number)]])
        graph.gap = torch.tensor([float(number)])
    return graphs


def test_atom_and_graph_fields_are_laid_out():
    graphs = with_own_fields()
    packed = pack(Batch.from_data_list(graphs), atom_fields=["charge", "spin"], graph_fields=["dipole", "gap"])
    assert packed.atoms.keys() == {"charge", "spin"}
    assert packed.graphs.keys() == {"dipole", "gap"}
    for number, graph in enumerate(graphs):
        size = graph.num_nodes
        assert torch.equal(packed.atoms["charge"][number, :size], graph.charge)
        assert torch.equal(packed.atoms["spin"][number, :size], graph.spin)
        assert not packed.atoms["spin"][number, size:].any()
        assert torch.equal(packed.graphs["dipole"][number], graph.dipole[0])
        assert packed.graphs["gap"][number] == number
    assert pack(Batch.from_data_list(graphs)).atoms == pack(Batch.from_data_list(graphs)).graphs == {}
    alone = pack(graphs[1], atom_fields=["charge"], graph_fields=["gap"])
    assert torch.equal(alone.atoms["charge"][0], graphs[1].charge)
    assert alone.graphs["gap"].tolist() == [1.0]


def test_fields_that_are_missing_or_misshapen_are_named_with_their_level():
    batch = Batch.from_data_list(with_own_fields())
    size = batch.num_nodes
    with pytest.raises(ValueError, match="no atom field 'mass'; attach it to each `Data` by a transform"):
        pack(batch, atom_fields=["mass"])
    with pytest.raises(ValueError, match="no graph field 'mass'"):
        pack(batch, graph_fields=["mass"])
    with pytest.raises(ValueError, match=rf"atom field 'gap' must have {size} rows.*got \[3\]"):
        pack(batch, atom_fields=["gap"])
    with pytest.raises(ValueError, match=rf"graph field 'charge' must have 3 rows.*got \[{size}\]"):
        pack(batch, graph_fields=["charge"])
    batch.gap = torch.tensor(1.0)
    with pytest.raises(ValueError, match="graph field 'gap' must have 3 rows"):
        pack(batch, graph_fields=["gap"])
    batch.gap = ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"graph field 'gap' must have 3 rows.*got list"):
        pack(batch, graph_fields=["gap"])


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    r"""Fields of each level with transforms that attach them, and the sizes of the molecules that were given one."""
    calls = []

    def attach(data: Data) -> Data:
        calls.append(data.num_nodes)
        size = data.num_nodes
        data.made_pair, data.made_graph = torch.arange(size * size), torch.tensor([size])
        return data

    def attach_atom(data: Data) -> Data:
        data.made_atom = torch.full((data.num_nodes,), data.num_nodes)
        return data

    for name, level, transform in (
        ("made_pair", "pair", attach), ("made_graph", "graph", attach), ("made_atom", "atom", attach_atom),
    ):  # fmt: skip
        monkeypatch.setitem(fields.FIELDS, name, fields.Field(name, level, transform=transform))
    return calls


def test_a_declared_field_is_attached_by_its_transform(declared: list[int]):
    graphs = samples.molecules(3)
    sizes = [graph.num_nodes for graph in graphs]
    batch = Batch.from_data_list(graphs)
    keys = set(batch.keys())
    packed = pack(batch, ["spd", "made_pair"], atom_fields=["made_atom"], graph_fields=["made_graph"])
    assert declared == sizes  # once for each molecule, although two fields are of one transform
    assert packed.graphs["made_graph"].tolist() == sizes
    for number, size in enumerate(sizes):
        assert torch.equal(packed.pairs["made_pair"][number, :size, :size], torch.arange(size * size).view(size, size))
        assert (packed.atoms["made_atom"][number, :size] == size).all()
    assert set(batch.keys()) == keys  # the batch is not written to
    alone = graphs[0].clone()
    assert pack(alone, ["made_pair"]).pairs["made_pair"].shape == (1, sizes[0], sizes[0])
    assert "made_pair" not in alone


def test_a_declared_field_that_is_there_is_not_attached_again(declared: list[int]):
    data = samples.molecules(1)[0]
    data.made_pair = -torch.ones(data.num_nodes**2)
    assert (pack(data, ["made_pair"]).pairs["made_pair"] == -1).all()
    assert not declared


def test_molecules_of_a_plain_dictionary_cannot_be_told_apart_by_a_transform(declared: list[int]):
    r"""A dictionary, or a ``Data`` with a ``batch`` of its own, cannot be taken apart as a ``Batch`` can."""
    batch = Batch.from_data_list(samples.molecules(3))
    for given in (batch.to_dict(), Data.from_dict(batch.to_dict())):
        with pytest.raises(ValueError, match=r"'made_atom'.*Batch\.from_data_list"):
            pack(given, atom_fields=["made_atom"])
    assert pack(samples.molecules(1)[0].to_dict(), atom_fields=["made_atom"]).atoms["made_atom"].any()


def test_a_dictionary_is_taken_as_its_batch_is():
    batch = Batch.from_data_list(samples.molecules(3))
    assert equal(pack(batch.to_dict()), pack(batch))
    assert equal(pack(batch[0].to_dict()), pack(batch[0]))


def test_features_of_ones_own():
    data = samples.molecules(3)[2]
    data.x = torch.stack([torch.arange(data.num_nodes) % 3, torch.arange(data.num_nodes) % 7], -1)
    assert torch.equal(pack(data, atom_feature_sizes=(3, 7)).x[0], data.x)
    with pytest.raises(ValueError, match=r"outside their vocabulary \(sizes \(3, 6\)\).*to \[2, 6\]"):
        pack(data, atom_feature_sizes=(3, 6))
    with pytest.raises(ValueError, match=r"`x` must hold 1 atom features a row, got shape .*AtomEmbedding"):
        pack(data, atom_feature_sizes=(3,))
    column = data.clone()
    column.x = data.x[:, 0]
    assert torch.equal(pack(column, atom_feature_sizes=(3,)).x[0, :, 0], column.x)
    column.x = torch.randn(data.num_nodes, 4)
    assert torch.equal(pack(column, atom_feature_sizes=None).x[0], column.x)
    column.x = torch.randn(data.num_nodes)
    assert torch.equal(pack(column, atom_feature_sizes=None).x[0, :, 0], column.x)


@pytest.mark.parametrize("columns", [0, 1])
def test_bonds_of_one_category(columns: int):
    data = samples.molecules(3)[2]
    categories = torch.arange(data.num_edges) // 2 % 4
    data.edge_attr = categories[:, None] if columns else categories
    packed = pack(data, bond_vocabulary=4)
    bonded = packed.pairs["bond_path"][0][data.edge_index[0], data.edge_index[1], 0]
    assert torch.equal(bonded.long(), 1 + categories)
    assert torch.equal(packed.pairs["spd"], pack(samples.molecules(3)[2]).pairs["spd"])
    with pytest.raises(ValueError, match="bond categories must be from 0 to 2, got values up to"):
        pack(data, bond_vocabulary=3)
    with pytest.raises(ValueError, match=r"bonds of one category.*need bond_vocabulary=NUMBER"):
        pack(data)


def test_features_and_edges_must_be_as_many():
    data = samples.molecules(1)[0]
    data.edge_attr = data.edge_attr[:-1]
    with pytest.raises(ValueError, match=rf"`edge_attr` has {data.num_edges - 1} rows for {data.num_edges} edges"):
        pack(data)


def test_atoms_of_a_molecule_stand_together():
    batch = Batch.from_data_list(samples.molecules(2))
    batch.batch = batch.batch.flip(0)
    with pytest.raises(ValueError, match="`batch` must be sorted"):
        pack(batch)


def test_what_any_molecule_has_is_known():
    graphs = samples.molecules(3)
    assert pack(Batch.from_data_list(graphs)).modalities == ("2d", "3d")
    for graph in graphs[:2]:
        graph.pos = torch.full_like(graph.pos, float("nan"))
    assert pack(Batch.from_data_list(graphs)).modalities == ("2d", "3d")
    assert pack(Batch.from_data_list(graphs[:2])).modalities == ("2d",)
    packed = pack(Batch.from_data_list(graphs[2:]), modality="3d")
    assert packed.modalities == ("3d",)
    assert pack(packed, modality="2d+3d").modalities == ("3d",)
    assert pack(packed, modality="2d").modalities == ()


def test_some_molecules_are_selected():
    packed = pack(Batch.from_data_list(with_own_fields()), atom_fields=["charge"], graph_fields=["gap"])
    rows = torch.tensor([2, 0])
    chosen = packed.select(rows)
    for level in ("pairs", "atoms", "graphs"):
        for name, values in getattr(packed, level).items():
            assert torch.equal(getattr(chosen, level)[name], values[rows])
    assert torch.equal(chosen.x, packed.x[rows])
    assert chosen.modalities == packed.modalities
    assert equal(packed.select(torch.tensor([True, False, True])), packed.select(torch.tensor([0, 2])))


def test_a_field_is_added_beside_the_others():
    packed = pack(samples.molecules(1)[0])
    values = torch.ones(1, 3)
    more = packed.with_atom("own", values).with_pair("own", values)
    assert more.atoms["own"] is more.pairs["own"] is values
    assert "own" not in {*packed.atoms, *packed.pairs}
    assert more.pairs.keys() - packed.pairs.keys() == {"own"}


class Waits(TorchDispatchMode):
    r"""Counts what makes the processor wait for a device, but for ``tolist``, which no mode sees."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        waiting = ("_local_scalar_dense", "nonzero", "masked_select", "bincount", "unique_dim", "_unique2")
        self.count += function.name().removeprefix("aten::").split(".")[0] in waiting
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(("attached", "waits"), [(True, 0), (False, 1)], ids=["attached", "computed"])
def test_the_device_is_hardly_waited_for(attached: bool, waits: int):
    graphs = samples.molecules(4)
    batch = Batch.from_data_list([AddRelations()(graph) for graph in graphs] if attached else graphs)
    with Waits() as found:
        pack(batch)
    assert found.count == waits
