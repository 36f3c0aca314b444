import math

import pytest
import samples
import torch
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import from_mol, generate_conformer, parse_smiles
from pyg_moleblend.losses import torsion_loss, torsion_target
from pyg_moleblend.nn import RecoveryState, TorsionRecovery, constant_blend
from pyg_moleblend.nn.objectives import pair_recovery
from pyg_moleblend.utils import pack

C, R = 5, 4


def objective() -> TorsionRecovery:
    return samples.randomized(TorsionRecovery(C, R))


def state_of(graphs: list[Data]) -> RecoveryState:
    molecules = pack(Batch.from_data_list(graphs), ["spd"])
    atoms = torch.randn(*molecules.mask.shape, C, generator=torch.Generator().manual_seed(0)).requires_grad_()
    nothing = torch.zeros(0)
    return RecoveryState(nothing, atoms, nothing, molecules, molecules.pos, constant_blend(molecules, 0, 0))


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


def test_molecules_without_coordinates_are_left_out():
    state, module = state_of(samples.molecules(5)), objective()
    prediction = module(state)
    partly = state._replace(molecules=state.molecules._replace(has_3d=torch.tensor([True, True, False, True, True])))
    assert module.quality(prediction, state).weight == 3
    assert module.quality(prediction, partly).weight == 2


def test_blocks_of_rows_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch):
    module, state = objective(), state_of(samples.molecules(5))
    expected = module.judge(module(state), state)
    monkeypatch.setattr(pair_recovery, "BLOCK_ELEMENTS", 4 * state.molecules.mask.numel())
    found = module.evaluate(state)
    torch.testing.assert_close(found.loss, expected.loss)
    torch.testing.assert_close(found.quality.total, expected.quality.total)


def test_as_many_pairs_as_there_are_give_what_all_give():
    whole, state = objective(), state_of(samples.molecules(5))
    sampled = TorsionRecovery(C, R, num_pairs=state.molecules.mask.size(1) ** 2)
    sampled.load_state_dict(whole.state_dict())
    found, expected = sampled.train().evaluate(state), whole.evaluate(state)
    torch.testing.assert_close(found.loss, expected.loss)
    torch.testing.assert_close(found.quality.total, expected.quality.total)
    assert found.quality.weight == expected.quality.weight


def test_a_few_drawn_pairs_are_right_on_average():
    state = state_of(samples.molecules(5))
    few = samples.randomized(TorsionRecovery(C, R, num_pairs=4)).train()
    torch.manual_seed(0)
    with torch.no_grad():
        losses = torch.stack([few.evaluate(state).loss for _ in range(400)])
    expected = few.eval().evaluate(state).loss
    assert losses.std() > 0
    assert (losses.mean() - expected).abs() < 4 * losses.std() / 20
