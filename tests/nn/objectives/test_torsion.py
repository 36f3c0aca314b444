import math

import pytest
import samples
import torch
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import from_mol, generate_conformer, parse_smiles
from pyg_moleblend.losses import torsion_loss, torsion_target
from pyg_moleblend.nn import RecoveryState, TorsionRecovery
from pyg_moleblend.utils import pack

C, R = 5, 4


def objective() -> TorsionRecovery:
    return samples.randomized(TorsionRecovery(C, R))


def state_of(graphs: list[Data]) -> RecoveryState:
    return samples.pair_state(pack(Batch.from_data_list(graphs), ["spd"]), C)


def torsions_of(mol: Chem.Mol) -> dict[tuple[int, int], float]:
    r"""Dihedral angles of an acyclic molecule by RDKit."""
    found = {}
    for bond in mol.GetBonds():
        for j, k in ((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()), (bond.GetEndAtomIdx(), bond.GetBeginAtomIdx())):
            for i in (atom.GetIdx() for atom in mol.GetAtomWithIdx(j).GetNeighbors()):
                for m in (atom.GetIdx() for atom in mol.GetAtomWithIdx(k).GetNeighbors()):
                    if i != k and m != j:
                        found[i, m] = rdMolTransforms.GetDihedralRad(mol.GetConformer(), i, j, k, m)
    return found


def test_loss_and_quality_a_molecule_at_a_time():
    mols = [generate_conformer(parse_smiles(smiles)) for smiles in ("C[C@H](N)C(=O)OCC", "CCCO", "CCO")]
    state, module = state_of([from_mol(mol) for mol in mols]), objective()
    prediction = module(state).detach()
    assert prediction.shape == (*state.molecules.pair_mask.shape, 2)
    losses, cosines = [], []
    for b, mol in enumerate(mols[:2]):
        terms = []
        for (i, m), angle in torsions_of(mol).items():
            wanted, given = torch.tensor([math.cos(angle), math.sin(angle)]), prediction[b, i, m]
            terms.append((0.5 * (given - wanted).square().sum(), given @ wanted / given.norm()))
        means = torch.tensor(terms).mean(0).tolist()
        losses.append(means[0])
        cosines.append(means[1])
    loss, (total, weight) = module.judge(prediction, state)
    assert loss.item() == pytest.approx(sum(losses) / 2, rel=1e-4)
    assert loss == torsion_loss(prediction, state.molecules.pos, state.molecules.pairs["spd"], state.molecules.mask)
    assert (total.item(), weight.item()) == (pytest.approx(sum(cosines), rel=1e-4), 2)  # ethanol has none
    assert module.quality_name == "cosine"


def test_the_true_angles_are_without_loss():
    state = state_of([from_mol(generate_conformer(parse_smiles("CC(C)CC(N)C(=O)O")))])
    molecules = state.molecules
    target, counted = torsion_target(molecules.pos, molecules.pairs["spd"], molecules.mask)
    assert counted.sum() > 10
    loss, (total, weight) = objective().judge(target, state)
    assert loss.item() == pytest.approx(0)
    assert (total / weight).item() == pytest.approx(1)
    turned = target @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]])  # by 90°
    assert objective().loss(turned, state).item() == pytest.approx(1)


def test_a_line_of_atoms_has_no_torsion():
    graph = samples.molecules()[3]
    graph.pos[:, 1:] = 0
    state, module = state_of([graph]), objective()
    assert (state.molecules.pairs["spd"] == 3).any()
    prediction = module(state)
    assert module.quality(prediction, state) == (0, 0)
    loss = module.loss(prediction, state)
    loss.backward()
    assert loss == 0
    assert samples.finite_gradients(module)
