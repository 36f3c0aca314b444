import math
from dataclasses import replace

import pandas as pd
import pytest
import torch
from rdkit import Chem
from torch import Tensor, nn

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.checkpoints.model_folder import save_metadata
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.inference import Attribution, attribute, predict
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_relations,
    integrated_gradients,
)
from pyg_moleblend.nn import RelationBias
from pyg_moleblend.utils import DenseMolecules

TASK = Task("regression", ("gap", "mu"), ("eV", "D"), (5.0, 2.0), (1.5, 0.5))
IMPOSSIBLE = "F[C@]12[C@@]3(F)[C@]1(F)[C@@]23F"


class Bonded(RelationBias):
    r"""A relation of one's own, which is called as a column of the results."""

    pair_fields = ("spd",)

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(heads))

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return self.weight[:, None, None] * (molecules.pairs["spd"] == 1)[:, None]


def assert_adds_up(attribution: Attribution) -> None:
    total = sum(attribution.totals.values())
    assert attribution.baseline + total == pytest.approx(attribution.prediction, abs=1e-4)
    assert attribution.gap == pytest.approx(attribution.prediction - attribution.baseline - total, abs=1e-12)


def test_parts_are_in_the_targets_units_and_add_up_to_the_prediction(model, folder):
    smiles = ["CCCCCCO", "C", "c1ccccc1"]
    found = attribute(folder, smiles, device="cpu")
    expected = predict(folder, smiles, device="cpu")
    assert [(one.smiles, one.target, one.unit) for one in found[:3]] == [
        ("CCCCCCO", "gap", "eV"),
        ("CCCCCCO", "mu", "D"),
        ("C", "gap", "eV"),
    ]
    for number, one in enumerate(found):
        assert one.prediction == pytest.approx(expected[one.target][number // 2], abs=1e-5)
        assert one.status == "ok"
        assert list(one.totals) == ["atoms", "spd", "bond_path", "distance"]
        assert one.totals["distance"] == 0  # 2D only
        assert_adds_up(one)
    split = integrated_gradients(model, from_smiles("CCCCCCO"), "2d")
    torch.testing.assert_close(found[0].atoms, 1.5 * split.atoms[0, 0], rtol=0, atol=1e-6)
    torch.testing.assert_close(found[1].pairs["spd"], 0.5 * split.pairs["spd"][0, 1], rtol=0, atol=1e-6)


def test_rows_keep_their_order_and_failures_say_why(folder):
    smiles = ["CCCCCCO", "C", "not a molecule", "c1ccccc1", None, "CCO"]
    found = attribute(folder, smiles, ["mu"], steps=8, batch_size=2, device="cpu", max_atoms=6)
    assert [one.id for one in found] == ["0", "1", "2", "3", "4", "5"]
    assert [one.smiles for one in found[1:4]] == ["C", "not a molecule", "c1ccccc1"]
    assert [len(one.atoms) for one in found] == [0, 1, 0, 6, 0, 3]
    assert [math.isnan(one.prediction) for one in found] == [True, False, True, False, True, False]
    assert all(math.isnan(total) for one in found[::2] for total in one.totals.values())
    assert all(math.isnan(one.gap) for one in found[::2])
    assert "7 atoms" in found[0].status
    assert found[4].status == "the value is missing"
    assert {one.target for one in found} == {"mu"}
    alone = attribute(folder, ["CCO"], ["mu"], steps=8, device="cpu")[0]
    torch.testing.assert_close(found[5].atoms, alone.atoms, rtol=0, atol=1e-5)


def test_tables_keep_their_ids_and_their_policy(folder):
    given = pd.DataFrame({"smiles": ["CC", "xx", "CCO"], "name": ["a", "b", "c"]})
    table = MoleculeTable(given, ids="name", on_error="skip", progress=False)
    assert [one.id for one in attribute(folder, table, ["gap"], steps=2)] == ["a", "c"]


def test_the_molecule_has_its_atoms_in_the_graphs_order(folder):
    record = Chem.RenumberAtoms(Chem.MolFromSmiles("OCCN"), [2, 0, 3, 1])
    table = MoleculeTable(pd.DataFrame({"smiles": [record]}, dtype=object), on_error="keep", progress=False)
    one = attribute(folder, table, ["gap"], steps=2)[0]
    symbols = [atom.GetSymbol() for atom in one.mol.GetAtoms()]
    assert symbols == [atom.GetSymbol() for atom in record.GetAtoms()] == ["C", "O", "N", "C"]


def test_3d_models_get_a_conformer_and_say_so(model, tmp_path, caplog):
    folder = save_pretrained(model, tmp_path / "model", {"task": TASK.to_dict(), "modality": "2d+3d"})
    both = attribute(folder, ["CCO", IMPOSSIBLE], ["gap"], device="cpu")
    assert "1 of 2 molecules had no coordinates and were given a conformer" in caplog.text
    assert both[0].totals["distance"] != 0
    assert both[1].totals["distance"] == 0
    assert both[1].status.startswith("2D only: no conformer was found")
    for one in both:
        assert_adds_up(one)
    only_3d = attribute(folder, ["CCO", IMPOSSIBLE], ["gap"], modality="3d", device="cpu")
    assert only_3d[0].totals["spd"] == 0
    assert_adds_up(only_3d[0])
    assert len(only_3d[1].atoms) == 0
    assert only_3d[1].smiles == IMPOSSIBLE


def test_of_a_classification_the_parts_are_of_the_logit(model, tmp_path):
    task = replace(TASK, kind="classification", mean=(0.0, 0.0), std=(1.0, 1.0))
    folder = save_pretrained(model, tmp_path / "model", {"task": task.to_dict(), "modality": "2d"})
    one = attribute(folder, ["CCO"], ["mu"], device="cpu")[0]
    assert one.unit == "logit"
    assert 1 / (1 + math.exp(-one.prediction)) == pytest.approx(predict(folder, ["CCO"])["mu"][0], abs=1e-5)
    assert_adds_up(one)


def test_a_relation_of_ones_own_appears_under_a_free_name(config, tmp_path):
    relations = {**default_relations(config), "bonded": Bonded(config.heads), "status": Bonded(config.heads)}
    torch.manual_seed(0)
    model = MoleBlendForPropertyPrediction(config, 2, MoleBlend(config, relations)).eval()
    folder = save_pretrained(model, tmp_path / "model", {"task": TASK.to_dict(), "modality": "2d"})
    one = attribute(folder, ["CCO"], device="cpu", components=[Bonded])[0]
    assert list(one.pairs) == ["spd", "bond_path", "distance", "bonded", "status_relation"]
    assert one.totals["bonded"] != 0
    torch.testing.assert_close(one.pairs["bonded"], one.pairs["status_relation"], rtol=0, atol=0)
    assert one.pairs["bonded"].ne(0).tolist() == [[False, True, False], [True, False, True], [False, True, False]]
    assert_adds_up(one)


def test_what_is_no_number_is_said(model, tmp_path):
    with torch.no_grad():
        model.out.weight[1] = 3e38
    folder = save_pretrained(model, tmp_path / "model", {"task": TASK.to_dict(), "modality": "2d"})
    gap, mu = attribute(folder, ["CCO"], steps=2, device="cpu")
    assert gap.status == "ok"
    assert mu.status == "the model gives no finite number for it"
    assert len(mu.atoms) == 0


def test_errors_name_the_model_and_what_to_do(config, folder, tmp_path):
    with pytest.raises(ValueError, match="the model predicts no 'size', only"):
        attribute(folder, ["CCO"], ["size"])
    with pytest.raises(ValueError, match="steps"):
        attribute(folder, ["CCO"], steps=0)
    save_metadata(tmp_path / "quick", "QuickModel", {"task": TASK.to_dict()})
    with pytest.raises(ValueError, match=r"holds a quick model.*explain a model of moleblend finetune"):
        attribute(tmp_path / "quick", ["CCO"])
    pretrained = save_pretrained(MoleBlendForPretraining(config), tmp_path / "pretrained", {})
    with pytest.raises(ValueError, match="knows no property"):
        attribute(pretrained, ["CCO"])
