r"""Laws that every relation of the package has to keep, whatever its weights."""

import copy

import pytest
import samples
import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.nn import (
    AngleBias,
    BondPathBias,
    DistanceBias,
    FragmentBias,
    RandomWalkBias,
    RelationBias,
    ResistanceBias,
    RingBias,
    SPDBias,
    TorsionBias,
)
from pyg_moleblend.transforms import AddFragments, AddRelations, AddRings
from pyg_moleblend.utils import DenseMolecules, pack

H = 3
RELATIONS = {
    "spd": SPDBias(H),
    "bond_path": BondPathBias(H),
    "distance": DistanceBias(H, num_gaussians=4, num_types=119),
    "angle": AngleBias(H),
    "torsion": TorsionBias(H),
    "resistance": ResistanceBias(H),
    "random_walk": RandomWalkBias(H),
    "ring": RingBias(H),
    "fragment": FragmentBias(H),
}
FIELDS = ("spd", "bond_path", "ring_size", "brics")
EACH = pytest.mark.parametrize("name", list(RELATIONS))
IN_3D = pytest.mark.parametrize("name", [name for name, one in RELATIONS.items() if one.modality == "3d"])


def relation(name: str) -> RelationBias:
    return samples.randomized(copy.deepcopy(RELATIONS[name])).double()


def graphs() -> list[Data]:
    r"""A salt, a lone atom, aspirin, a nitrile (a line of atoms), decalin and cyclopropane."""
    smiles = ["CC(=O)[O-].[Na+]", "O", "CC(=O)Oc1ccccc1C(=O)O", "C/C=C/C#N", "C1CCC2CCCCC2C1", "C1CC1"]
    made = [samples.in_double(graph) for graph in samples.molecules(6)]
    for data, text in zip(made, smiles, strict=True):
        data.smiles = text
    return [AddFragments()(AddRings()(AddRelations()(data))) for data in made]


def packed(*molecules: Data) -> DenseMolecules:
    return pack(Batch.from_data_list(molecules), FIELDS)


def real_pairs(module: RelationBias, molecules: DenseMolecules) -> Tensor:
    r"""The bias of the pairs of real atoms, ``[pairs, H]``; others are not used."""
    return module(molecules).permute(0, 2, 3, 1)[molecules.pair_mask]


def in_order(data: Data, order: Tensor) -> Data:
    r"""The molecule with its atoms and pairs in another order."""
    size, place = data.num_nodes, order.argsort()
    changed = Data(x=data.x[order], pos=data.pos[order], edge_index=place[data.edge_index], edge_attr=data.edge_attr)
    for name in FIELDS:
        flat = data[name]
        changed[name] = flat.view(size, size, *flat.shape[1:])[order][:, order].reshape(flat.shape)
    return changed


@EACH
def test_it_tells_pairs_apart(name: str):
    r"""Else the laws below would hold of nothing."""
    molecules = packed(*graphs())
    assert real_pairs(relation(name), molecules).unique(dim=0).size(0) >= 3


@EACH
@pytest.mark.parametrize("number", range(6))
def test_atoms_in_another_order(name: str, number: int):
    module, data = relation(name), graphs()[number]
    order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(number))
    expected, actual = module(packed(data))[0], module(packed(in_order(data, order)))[0]
    torch.testing.assert_close(actual, expected[:, order][:, :, order])


@EACH
def test_a_batch_is_its_molecules(name: str):
    module, molecules = relation(name), graphs()
    together = module(packed(*molecules))
    for bias, data in zip(together, molecules, strict=True):
        size = data.num_nodes
        torch.testing.assert_close(bias[:, :size, :size], module(packed(data))[0])


@EACH
def test_more_padding_changes_nothing(name: str):
    module, molecules = relation(name), packed(*graphs()[:3])
    expected, N, more = real_pairs(module, molecules), molecules.mask.size(1), 4

    def pairs(value: Tensor) -> Tensor:
        return F.pad(
            value, (*(0, 0) * (value.dim() - 3), 0, more, 0, more), value=1
        )  # a bond: it must not be looked at

    padded = molecules._replace(
        x=F.pad(molecules.x, (0, 0, 0, more)),
        mask=F.pad(molecules.mask, (0, more)),
        pos=F.pad(molecules.pos, (0, 0, 0, more), value=2.0),
        pairs={key: pairs(value) for key, value in molecules.pairs.items()},
    )
    assert padded.mask.size(1) == N + more
    torch.testing.assert_close(real_pairs(module, padded), expected)


@IN_3D
@pytest.mark.parametrize("seed", range(3))
def test_a_turned_and_shifted_molecule_is_the_same(name: str, seed: int):
    module, molecules = relation(name), graphs()
    moved = [samples.moved(data, seed + number) for number, data in enumerate(molecules)]
    torch.testing.assert_close(real_pairs(module, packed(*moved)), real_pairs(module, packed(*molecules)))


@IN_3D
def test_only_torsions_know_a_mirror_image(name: str):
    module, molecules = relation(name), graphs()
    mirrored = [data.clone() for data in molecules]
    for data in mirrored:
        data.pos = data.pos * torch.tensor([1.0, -1.0, 1.0])
    same = torch.allclose(real_pairs(module, packed(*mirrored)), real_pairs(module, packed(*molecules)))
    assert same == (name != "torsion")


@EACH
def test_gradients_equal_finite_differences(name: str):
    module, molecules = relation(name), packed(graphs()[2])
    inputs = []
    if module.modality == "3d":
        pos = molecules.pos.clone().requires_grad_()
        molecules, inputs = molecules._replace(pos=pos), [pos]
    assert samples.gradcheck_parameters(module, lambda: module(molecules), inputs)


@EACH
def test_gradients_are_finite_where_atoms_coincide_or_lie_on_a_line(name: str):
    module, molecules = relation(name).float(), graphs()
    molecules[0].pos[1] = molecules[0].pos[0]
    molecules[2].pos[:] = 0
    molecules[3].pos[:, 1:] = 0
    molecules = packed(*molecules)
    pos = molecules.pos.float().requires_grad_()
    bias = module(molecules._replace(pos=pos))
    assert bias.isfinite().all()
    bias.square().sum().backward()
    assert samples.finite_gradients(module)
    assert pos.grad is None or pos.grad.isfinite().all()


@EACH
def test_every_parameter_gets_a_gradient(name: str):
    module = relation(name)
    module(packed(*graphs())).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in module.parameters())


@EACH
def test_half_precision_is_close(name: str):
    module, molecules = relation(name).float(), packed(*graphs())
    molecules = molecules._replace(pos=molecules.pos.float())
    expected = real_pairs(module, molecules).detach()
    with torch.autocast("cpu", torch.bfloat16):
        found = real_pairs(module, molecules).float()
    assert (found - expected).abs().max() <= 0.02 * expected.abs().max()
    with torch.no_grad():  # weights in half precision too
        found = real_pairs(module.bfloat16(), molecules).float()
    assert (found - expected).abs().max() <= 0.04 * expected.abs().max()


@EACH
def test_reset_draws_fresh_small_weights(name: str):
    module = relation(name)
    before = [parameter.detach().clone() for parameter in module.parameters()]
    module.reset_parameters()
    for parameter, old in zip(module.parameters(), before, strict=True):
        assert not torch.equal(parameter, old)


@EACH
def test_a_lone_atom_has_a_bias(name: str):
    data = samples.methane_like(pos=torch.zeros(1, 3).double(), smiles="C")
    bias = relation(name)(packed(data))
    assert bias.shape == (1, H, 1, 1)
    assert bias.isfinite().all()
