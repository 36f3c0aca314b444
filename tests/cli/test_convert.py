from pathlib import Path

import torch

from pyg_moleblend.checkpoints import from_pretrained, from_release, read_metadata
from pyg_moleblend.cli import main

GOLDEN = Path(__file__).parents[1] / "golden"


def test_pretraining_checkpoint_and_its_parity(tmp_path, capsys):
    path = GOLDEN / "release_checkpoint.pt"
    assert main(["convert", str(path), str(tmp_path / "model")]) == 0
    report = capsys.readouterr().out
    assert "MoleBlendForPretraining" in report
    assert '"num_layers": 3' in report
    assert report.count("largest difference") == 6
    assert all(line.endswith(": 0") for line in report.splitlines() if "largest difference" in line)
    model, loaded = from_release(path), from_pretrained(tmp_path / "model")
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])
    assert f"encoder: {sum(p.numel() for p in model.encoder.parameters()):,} parameters" in report


def test_finetuned_checkpoint_gets_its_task(tmp_path, capsys, refused):
    golden = torch.load(GOLDEN / "public.pt", weights_only=True)
    torch.save({"args": None, "model": golden["finetune_state_dict"]}, tmp_path / "release.pt")
    words = ["convert", str(tmp_path / "release.pt"), str(tmp_path / "model")]
    assert main([*words, "--kind", "classification", "--targets", "a,b,c"]) == 0
    assert read_metadata(tmp_path / "model")["task"]["names"] == ["a", "b", "c"]
    assert "largest difference of predictions" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "model"), "CCO", "--modality", "2d"]) == 0
    assert capsys.readouterr().out.startswith("id,smiles,a,b,c,status\n")
    assert "has 3 targets, but 2 names were given" in refused(*words, "--targets", "a,b")


def test_what_is_no_checkpoint_is_refused(tmp_path, refused):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    assert "is not a checkpoint of the release" in refused("convert", tmp_path / "other.pt", tmp_path / "model")
    assert "nowhere.pt" in refused("convert", tmp_path / "nowhere.pt", tmp_path / "model")
    assert not (tmp_path / "model").exists()
