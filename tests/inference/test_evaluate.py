import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.datasets.targets import select_targets
from pyg_moleblend.inference import RecoveryReport, evaluate
from pyg_moleblend.inference.evaluate import score_model
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction


def test_a_pretrained_model_is_evaluated_by_recovery(molecules, config, tmp_path):
    torch.manual_seed(0)
    folder = save_pretrained(MoleBlendForPretraining(config), tmp_path)
    report = evaluate(folder, molecules, device="cpu")
    assert isinstance(report, RecoveryReport)
    assert report.quality["spd"]["bond_path"] >= 0


def test_an_encoder_alone_has_nothing_to_evaluate(molecules, config, tmp_path):
    folder = save_pretrained(MoleBlend(config), tmp_path)
    with pytest.raises(ValueError, match="MoleBlend that knows no property to evaluate"):
        evaluate(folder, molecules, device="cpu")


def test_molecules_scored_without_their_3d_are_counted(molecules, config, tmp_path, caplog):
    task = Task("regression", ("size", "twice"), ("", ""), (0.0, 0.0), (1.0, 1.0))
    metadata = {"task": task.to_dict(), "modality": "2d+3d"}
    folder = save_pretrained(MoleBlendForPropertyPrediction(config, 2), tmp_path, metadata)
    assert evaluate(folder, molecules, device="cpu")["molecules_2d_only"] == 0
    assert caplog.text == ""

    mixed = [data.clone() for data in molecules]
    mixed[2].pos[1] = torch.nan
    mixed[9].has_pos = torch.tensor([False])
    mixed = [data if "has_pos" in data else data.update({"has_pos": torch.tensor([True])}) for data in mixed]
    scored = evaluate(folder, mixed, device="cpu", batch_size=4)
    assert (scored["molecules"], scored["molecules_2d_only"]) == (14, 2)
    assert "2 of 14 molecules have no coordinates" in caplog.text
    assert "--conformers" in caplog.text
    assert "modality='2d'" in caplog.text

    caplog.clear()
    assert "molecules_2d_only" not in evaluate(folder, mixed, "2d", device="cpu")
    assert caplog.text == ""
    with pytest.raises(ValueError, match="modality='3d' needs coordinates"):
        evaluate(folder, mixed, "3d", device="cpu")


def test_a_model_without_finite_predictions_is_told(molecules, config):
    task = Task("regression", ("size", "twice"), ("", ""), (0.0, 0.0), (1.0, 1.0))
    model = MoleBlendForPropertyPrediction(config, 2).eval()
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(ValueError, match=r"no finite prediction for 14 of 14 molecules: its training diverged"):
        score_model(model, task, select_targets(molecules, task.names), "2d")


def test_molecules_without_any_label_are_refused(molecules, config, tmp_path):
    task = Task("regression", ("size", "twice"), ("", ""), (0.0, 0.0), (1.0, 1.0))
    metadata = {"task": task.to_dict(), "modality": "2d"}
    folder = save_pretrained(MoleBlendForPropertyPrediction(config, 2), tmp_path, metadata)
    unlabelled = [data.clone().update({"y": torch.full((1, 2), torch.nan)}) for data in molecules]
    with pytest.raises(ValueError, match=r"none of the 14 molecules has a label of \['size', 'twice'\]"):
        evaluate(folder, unlabelled, device="cpu")
