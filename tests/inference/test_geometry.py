import math

import pytest
import torch
import torch.nn.functional as F
from torch_geometric.data import Batch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference.geometry import GeometryMismatch, geometry_mismatch, odd_geometries
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import DistanceRecovery, SPDRecovery, constant_blend
from pyg_moleblend.nn.blending.blend import ALL
from pyg_moleblend.transforms import AddConformer, AddRelations

SMILES = ["CCO", "CC(=O)NC", "c1ccccc1C", "CCCCCCO"]


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return MoleBlendForPretraining(config).eval()


@pytest.fixture
def recovering(config):
    torch.manual_seed(0)
    objectives = {"hops": SPDRecovery(config.channels), "far": DistanceRecovery(config.channels)}
    return MoleBlendForPretraining(config, objectives=objectives).eval()


def molecules(*smiles):
    return [AddRelations()(AddConformer()(from_smiles(text))) for text in smiles]


def test_both_are_means_over_the_pairs_of_a_molecule(recovering):
    given = molecules(*SMILES)
    found = geometry_mismatch(recovering, given)
    for number, data in enumerate(given):
        packed = recovering.pack(Batch.from_data_list([data]))
        from_2d = recovering.recover(packed, constant_blend(packed, ALL["2d"], ALL["2d"])).predictions["far"][0]
        from_3d = recovering.recover(packed, constant_blend(packed, ALL["3d"], ALL["3d"])).predictions["hops"][0]
        hops = data.spd.view(data.num_nodes, -1).tolist()
        errors, surprises = [], []
        for i, row in enumerate(hops):
            for j, count in enumerate(row):
                if i != j:
                    surprises.append(-F.log_softmax(from_3d[i, j], -1)[min(count, 11) - 1].item())
                if 0 < count <= 3:
                    errors.append(abs(from_2d[i, j].item() - math.dist(data.pos[i].tolist(), data.pos[j].tolist())))
        assert found.distance_error[number].item() == pytest.approx(sum(errors) / len(errors), rel=1e-4)
        assert found.path_surprise[number].item() == pytest.approx(sum(surprises) / len(surprises), rel=1e-4)


def test_a_molecule_without_3d_or_pairs_has_none(recovering):
    found = geometry_mismatch(recovering, [*molecules("CCO", "C"), AddRelations()(from_smiles("CCC"))])
    assert found.distance_error.isnan().tolist() == found.path_surprise.isnan().tolist() == [False, True, True]


def test_the_score_is_the_worse_of_both():
    found = GeometryMismatch(torch.tensor([1.0, 4.0, math.nan]), torch.tensor([3.0, 1.0, math.nan]))
    assert found.score({"distance_error": 2.0, "path_surprise": 1.0}).tolist()[:2] == [3.0, 2.0]
    assert found.score({"distance_error": 2.0, "path_surprise": 1.0})[2].isnan()


def test_atoms_in_another_order_are_told(tmp_path):
    given = molecules("CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CCO")
    assert [one.row for one in odd_geometries(given)] == []
    wrong = given[1].clone()
    wrong.pos = wrong.pos.flip(0)
    (odd,) = odd_geometries([given[0], wrong, *given[2:]])
    assert odd.row == 1
    assert odd.score > 1


def test_a_model_that_says_no_limits_is_refused(recovering, tmp_path):
    save_pretrained(recovering, tmp_path / "model")
    with pytest.raises(ValueError, match="does not say what sound geometries are"):
        odd_geometries(molecules("CCO"), tmp_path / "model")


def test_a_model_that_does_not_recover_both_is_refused(model):
    with pytest.raises(ValueError, match="must have one DistanceRecovery, got 0"):
        geometry_mismatch(model, molecules("CCO"))


def test_no_molecules_are_refused(recovering):
    with pytest.raises(ValueError, match="there are no molecules"):
        geometry_mismatch(recovering, [])
