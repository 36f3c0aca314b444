import networkx as nx
import pytest
import samples
import torch
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.utils import to_networkx

from pyg_moleblend.chem import from_mol, generate_conformer, parse_smiles
from pyg_moleblend.fields import SPD_UNREACHABLE
from pyg_moleblend.utils import DenseMolecules, pack
from pyg_moleblend.utils.internal_coordinates import bond_angles, torsions

CYCLES = ["C1CCC1C", "C12C3C4C1C5C2C3C45", "C1CC2CCC1CC2", "Cc1ccc(C#CC2CC2)cc1", "C[C@H](F)[C@@H](Cl)C(N)=O"]
r"""Several shortest paths between two atoms: across rings of four and six, in cubane and bicyclooctane; also none."""


def conformer(smiles: str) -> tuple[Chem.Mol, Data]:
    mol = generate_conformer(parse_smiles(smiles))
    return mol, from_mol(mol)


def packed(*graphs: Data) -> DenseMolecules:
    return pack(Batch.from_data_list([samples.in_double(graph) for graph in graphs]), ["spd"])


def angles_of(molecules: DenseMolecules):
    return bond_angles(molecules.pos, molecules.pairs["spd"], molecules.mask)


def torsions_of(molecules: DenseMolecules, harmonics: int = 3):
    return torsions(molecules.pos, molecules.pairs["spd"], molecules.mask, harmonics)


def paths(data: Data, bonds: int) -> dict[tuple[int, int], list[list[int]]]:
    r"""All shortest paths of a length, by networkx."""
    graph = to_networkx(data, to_undirected=True)
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    return {
        (i, j): list(nx.all_shortest_paths(graph, i, j)) for i in graph for j in graph if lengths[i].get(j) == bonds
    }


@pytest.mark.parametrize("smiles", CYCLES)
def test_angles_are_rdkits(smiles: str):
    mol, data = conformer(smiles)
    found, expected = angles_of(packed(data)), paths(data, 2)
    assert found.defined[0].nonzero().tolist() == sorted(map(list, expected))
    for (i, k), ways in expected.items():
        cosines = [torch.tensor(rdMolTransforms.GetAngleRad(mol.GetConformer(), *way)).cos() for way in ways]
        assert found.cosine[0, i, k].item() == pytest.approx(torch.stack(cosines).mean().item(), abs=1e-5)
    assert not found.cosine[~found.defined].any()


@pytest.mark.parametrize("smiles", CYCLES)
def test_torsions_are_rdkits(smiles: str):
    mol, data = conformer(smiles)
    conformation = mol.GetConformer()
    found, expected = torsions_of(packed(data)), paths(data, 3)
    assert found.defined[0].nonzero().tolist() == sorted(map(list, expected))
    for (i, l), ways in expected.items():  # noqa: E741
        vectors, weights = torch.zeros(3, 2), 0.0
        for a, b, c, d in ways:
            angle = torch.tensor(rdMolTransforms.GetDihedralRad(conformation, a, b, c, d))
            first, second = (
                rdMolTransforms.GetAngleRad(conformation, a, b, c),
                rdMolTransforms.GetAngleRad(conformation, b, c, d),
            )
            weight = (torch.tensor(first).sin() * torch.tensor(second).sin()).item() / len(ways)
            turns = torch.arange(1, 4) * angle
            vectors += weight * torch.stack([turns.cos(), turns.sin()], dim=-1)
            weights += weight
        torch.testing.assert_close(found.vectors[0, i, l].float(), vectors, rtol=0, atol=2e-5)
        assert found.weight[0, i, l].item() == pytest.approx(weights, abs=1e-5)
    assert not found.vectors[~found.defined].any()
    assert not found.weight[~found.defined].any()


def test_several_paths_are_among_the_samples():
    r"""Else the tests above would not see what is done with them."""
    for bonds in (2, 3):
        most = [max(len(ways) for ways in paths(conformer(smiles)[1], bonds).values()) for smiles in CYCLES]
        assert max(most) >= 3 if bonds == 3 else max(most) == 2


def test_sign_of_a_right_handed_turn():
    r"""Looking from the second atom to the third, the fourth is 90° clockwise of the first."""
    pos = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1.5], [1.0, 0.0, -1.5]], dtype=torch.float64)
    edges = torch.tensor([[0, 1, 2, 1, 2, 3], [1, 2, 3, 0, 1, 2]])
    data = samples.methane_like(pos=pos, edge_index=edges, edge_attr=torch.zeros(6, 3, dtype=torch.long))
    found = torsions_of(packed(data), harmonics=1)
    torch.testing.assert_close(found.vectors[0, 0, 3, 0], torch.tensor([0.0, 1.0], dtype=torch.float64))
    torch.testing.assert_close(found.vectors[0, 3, 0, 0], torch.tensor([0.0, 1.0], dtype=torch.float64))


def test_a_mirror_image_has_the_opposite_torsions():
    _, data = conformer(CYCLES[-1])
    mirrored = data.clone()
    mirrored.pos = data.pos * torch.tensor([1.0, 1.0, -1.0])
    found, other = torsions_of(packed(data)), torsions_of(packed(mirrored))
    torch.testing.assert_close(other.vectors, found.vectors * torch.tensor([1.0, -1.0], dtype=torch.float64))
    assert found.vectors[..., 1].abs().max() > 0.5
    torch.testing.assert_close(angles_of(packed(mirrored)).cosine, angles_of(packed(data)).cosine)


def line(*bends: float) -> Tensor:
    r"""Chain of atoms 1.5 Å apart, whose bonds turn by so much in the plane at each inner atom."""
    angle = torch.tensor([0.0, *bends], dtype=torch.float64).cumsum(0)
    steps = 1.5 * torch.stack([angle.cos(), angle.sin(), torch.zeros_like(angle)], dim=-1)
    return torch.cat([torch.zeros(1, 3, dtype=torch.float64), steps.cumsum(0)])


def chain(pos: Tensor) -> Data:
    ends = torch.arange(len(pos) - 1)
    edges = torch.cat([torch.stack([ends, ends + 1]), torch.stack([ends + 1, ends])], dim=1)
    return samples.methane_like(pos=pos, edge_index=edges, edge_attr=torch.zeros(edges.size(1), 3, dtype=torch.long))


@pytest.mark.parametrize(
    "pos",
    [line(0, 0), line(0, 1), line(1e-4, 1), line(torch.pi, 0), torch.zeros(4, 3), line(1, 1)[[0, 1, 1, 2]]],
    ids=["straight", "half straight", "nearly straight", "folded back", "one point", "coinciding"],
)
def test_atoms_on_a_line_or_a_point_have_finite_derivatives(pos: Tensor):
    molecules = packed(chain(pos))
    leaf = molecules.pos.clone().requires_grad_()
    moved = molecules._replace(pos=leaf)
    angles, found = angles_of(moved), torsions_of(moved)
    (angles.cosine.pow(3).sum() + found.vectors.sum() + found.weight.sum()).backward()
    for value in (angles.cosine, found.vectors, found.weight, leaf.grad):
        assert value.isfinite().all()
    assert leaf.grad.abs().max() < 100


def test_a_torsion_fades_where_atoms_come_to_lie_on_a_line():
    weights = [torsions_of(packed(chain(line(bend, 1.0)))).weight[0, 0, 3].item() for bend in (1.0, 0.1, 0.01, 0.0)]
    expected = torch.tensor([1.0, 0.1, 0.01, 0.0]).sin() * torch.tensor(1.0).sin()
    assert weights == pytest.approx(expected.tolist(), abs=1e-6)


@pytest.mark.parametrize("smiles", ["CC(C)C#N", "C1CCC1O", "CC(=O)N"])
def test_derivatives_equal_finite_differences(smiles: str):
    molecules = packed(conformer(smiles)[1])
    pos = molecules.pos.clone().requires_grad_()

    def values(pos: Tensor) -> Tensor:
        moved = molecules._replace(pos=pos)
        found = torsions_of(moved, harmonics=2)
        return torch.cat([angles_of(moved).cosine.flatten(), found.vectors.flatten(), found.weight.flatten()])

    assert torch.autograd.gradcheck(values, (pos,), fast_mode=True)


def test_atoms_with_more_than_four_bonds_are_the_middle_of_no_torsion():
    _, ethane_like = conformer("FS(F)(F)(F)(F)CCO")
    found = torsions_of(packed(ethane_like))
    sulfur = 1
    assert int((ethane_like.edge_index[0] == sulfur).sum()) == 6
    spd = packed(ethane_like).pairs["spd"]
    carbon, oxygen = 6, 8
    assert found.defined[0, sulfur, oxygen]  # at an end it may have any number
    assert spd[0, 0, carbon + 1] == 3
    assert not found.defined[0, 0, carbon + 1]
    assert angles_of(packed(ethane_like)).defined[0, 0, carbon]


def test_unbonded_atoms_have_neither():
    molecules = packed(samples.molecules(1)[0], samples.methane_like(pos=torch.randn(5, 3)))
    assert (molecules.pairs["spd"] == SPD_UNREACHABLE).any()
    for found in (angles_of(molecules), torsions_of(molecules)):
        assert not found.defined[1].any()


def test_autocast_changes_nothing():
    molecules = packed(conformer(CYCLES[-1])[1])
    molecules = molecules._replace(pos=molecules.pos.float())
    expected = [*angles_of(molecules), *torsions_of(molecules)]
    with torch.autocast("cpu", torch.bfloat16):
        found = [*angles_of(molecules), *torsions_of(molecules)]
    assert all(torch.equal(value, other) for value, other in zip(found, expected, strict=True))
