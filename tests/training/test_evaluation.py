import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining
from pyg_moleblend.training import RecoveryReport, evaluate


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
