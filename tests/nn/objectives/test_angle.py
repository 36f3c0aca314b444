import pytest
import samples
import torch
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import from_mol, generate_conformer, parse_smiles
from pyg_moleblend.losses import angle_loss
from pyg_moleblend.nn import AngleRecovery, RecoveryState, constant_blend
from pyg_moleblend.nn.objectives import pair_recovery
from pyg_moleblend.utils import pack

C, R = 5, 4


def objective() -> AngleRecovery:
    return samples.randomized(AngleRecovery(C, R))


def state_of(graphs: list[Data]) -> RecoveryState:
    molecules = pack(Batch.from_data_list(graphs), ["spd"])
    atoms = torch.randn(*molecules.mask.shape, C, generator=torch.Generator().manual_seed(0)).requires_grad_()
    nothing = torch.zeros(0)
    return RecoveryState(nothing, atoms, nothing, molecules, molecules.pos, constant_blend(molecules, 0, 0))


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


def test_molecules_without_coordinates_are_left_out():
    state = state_of(samples.molecules(4))
    partly = state._replace(molecules=state.molecules._replace(has_3d=torch.tensor([True, True, False, True])))
    prediction = objective()(state)
    of_three = angle_loss(
        prediction[[0, 1, 3]], *(value[[0, 1, 3]] for value in (state.molecules.pos, state.molecules.pairs["spd"])),
        atoms=state.molecules.mask[[0, 1, 3]],
    )  # fmt: skip
    assert objective().loss(prediction, partly).item() == pytest.approx(of_three.item())
    assert objective().loss(prediction, partly) != objective().loss(prediction, state)


def test_blocks_of_rows_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch):
    module, state = objective(), state_of(samples.molecules(5))
    expected = module.judge(module(state), state)
    monkeypatch.setattr(pair_recovery, "BLOCK_ELEMENTS", 2 * state.molecules.mask.numel())
    found = module.evaluate(state)
    torch.testing.assert_close(found.loss, expected.loss)
    torch.testing.assert_close(found.quality.total, expected.quality.total)


def test_angles_on_a_line_give_finite_gradients():
    graph = samples.molecules()[3]
    graph.pos[:, 1:] = 0
    state, module = state_of([graph]), objective()
    loss = module.loss(module(state), state)
    loss.backward()
    assert loss > 0
    assert samples.finite_gradients(module)


def test_nothing_to_count_is_no_loss():
    state, module = state_of([samples.methane_like(pos=torch.zeros(1, 3))]), objective()
    prediction = module(state)
    assert module.loss(prediction, state) == 0
    assert module.quality(prediction, state) == (0, 0)


def test_as_many_pairs_as_there_are_give_what_all_give():
    whole, state = objective(), state_of(samples.molecules(5))
    sampled = AngleRecovery(C, R, num_pairs=state.molecules.mask.size(1) ** 2)
    sampled.load_state_dict(whole.state_dict())
    found, expected = sampled.train().evaluate(state), whole.evaluate(state)
    torch.testing.assert_close(found.loss, expected.loss)
    torch.testing.assert_close(found.quality.total, expected.quality.total)
    assert found.quality.weight == expected.quality.weight


def test_a_few_drawn_pairs_are_right_on_average():
    state = state_of(samples.molecules(5))
    few = samples.randomized(AngleRecovery(C, R, num_pairs=4)).train()
    torch.manual_seed(0)
    with torch.no_grad():
        losses = torch.stack([few.evaluate(state).loss for _ in range(400)])
    expected = few.eval().evaluate(state).loss
    assert losses.std() > 0
    assert (losses.mean() - expected).abs() < 4 * losses.std() / 20
