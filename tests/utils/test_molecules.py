import golden_data
import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

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


def test_unknown_pair_field_and_modality_are_named():
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
