import pytest
import samples
import torch
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import from_mol, generate_conformer, parse_smiles
from pyg_moleblend.nn import AngleRecovery, RecoveryState
from pyg_moleblend.utils import pack

C, R = 5, 4


def objective() -> AngleRecovery:
    return samples.randomized(AngleRecovery(C, R))


def state_of(graphs: list[Data]) -> RecoveryState:
    return samples.pair_state(pack(Batch.from_data_list(graphs), ["spd"]), C)


def error_of(mol: Chem.Mol, prediction: torch.Tensor) -> tuple[float, int]:
    r"""Summed error of the angles of an acyclic molecule by RDKit, and their number."""
    total, count = 0.0, 0
    for j in range(mol.GetNumAtoms()):
        around = [atom.GetIdx() for atom in mol.GetAtomWithIdx(j).GetNeighbors()]
        for i in around:
            for k in around:
                if i != k:
                    total += abs(prediction[i, k].item() - rdMolTransforms.GetAngleRad(mol.GetConformer(), i, j, k))
                    count += 1
    return total, count


def test_loss_is_the_error_of_the_angles_a_molecule_at_a_time():
    mols = [generate_conformer(parse_smiles(smiles)) for smiles in ("CC(C)C#N", "CCO", "CC")]
    state, module = state_of([from_mol(mol) for mol in mols]), objective()
    prediction = module(state)
    assert prediction.shape == state.molecules.pair_mask.shape
    means = [total / count for total, count in map(error_of, mols, prediction) if count]
    assert len(means) == 2  # ethane has none
    loss, (total, weight) = module.judge(prediction, state)
    assert loss.item() == pytest.approx(sum(means) / 2, rel=1e-5)
    assert (total.item(), weight.item()) == (pytest.approx(sum(means), rel=1e-5), 2)
    assert module.quality_name == "mae"


def test_angles_on_a_line_give_finite_gradients():
    graph = samples.molecules()[3]
    graph.pos[:, 1:] = 0
    state, module = state_of([graph]), objective()
    loss = module.loss(module(state), state)
    loss.backward()
    assert loss > 0
    assert samples.finite_gradients(module)
