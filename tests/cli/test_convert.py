import re
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
    for mapped in (
        "molecule_attn_bias.spatial_pos_encoder.weight [512, 4] -> "
        "encoder.attention_bias.blend.relations.spd.table.weight [256, 4] (256 of 512 rows)",
        "fc1.weight [48, 32] -> encoder.layers.2.ffn_in.weight [48, 32]",
        "encoder.lm_output_learned_bias [1] -> nothing (never used by the release)",
    ):
        assert mapped in report
    differences = dict(re.findall(r"^  ([\w ]+): ([\d.e+-]+)$", report, re.MULTILINE))
    assert {"atom features", "spd bias", "displacement prediction", "round trip"} <= set(differences)
    assert all(float(value) < 1e-5 for value in differences.values())
    assert float(differences["round trip"]) == 0
    model, loaded = from_release(path), from_pretrained(tmp_path / "model")
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])
        assert f" -> {name} " in report
    for key in torch.load(path, weights_only=False)["model"]:
        assert f"{key} [" in report
    assert f"encoder: {sum(p.numel() for p in model.encoder.parameters()):,} parameters" in report


def test_finetuned_checkpoint_gets_its_task(tmp_path, capsys, refused):
    golden = torch.load(GOLDEN / "public.pt", weights_only=True)
    torch.save({"args": None, "model": golden["finetune_state_dict"]}, tmp_path / "release.pt")
    words = ["convert", str(tmp_path / "release.pt"), str(tmp_path / "model")]
    assert main([*words, "--kind", "classification", "--targets", "a,b,c"]) == 0
    assert read_metadata(tmp_path / "model")["task"]["names"] == ["a", "b", "c"]
    assert "  property prediction: " in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "model"), "CCO", "--modality", "2d"]) == 0
    assert capsys.readouterr().out.startswith("id,smiles,a,b,c,status\n")
    assert "has 3 targets, but 2 names were given" in refused(*words, "--targets", "a,b")


def test_what_is_no_checkpoint_is_refused(tmp_path, refused):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    assert "is not a checkpoint of the release" in refused("convert", tmp_path / "other.pt", tmp_path / "model")
    incomplete = torch.load(GOLDEN / "public.pt", weights_only=True)["pretrain_state_dict"]
    del incomplete["encoder.molecule_encoder.layers.1.fc1.bias"]
    torch.save({"args": None, "model": incomplete}, tmp_path / "incomplete.pt")
    line = refused("convert", tmp_path / "incomplete.pt", tmp_path / "model")
    assert "missing encoder.molecule_encoder.layers.1.fc1.bias" in line
    assert "nowhere.pt" in refused("convert", tmp_path / "nowhere.pt", tmp_path / "model")
    assert not (tmp_path / "model").exists()
