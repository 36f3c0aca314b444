import io

import pandas as pd
import pytest

from pyg_moleblend.cli import main
from pyg_moleblend.inference import predict


def test_a_table_in_its_own_order(property_model, table, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert main(["predict", str(property_model), str(table), "--out", str(out), "--id-column", "name"]) == 0
    assert "11 of 12 molecules predicted; 1 failed (the column status says why)" in capsys.readouterr().err
    frame = pd.read_csv(out)
    given = pd.read_csv(table)
    assert list(frame) == ["id", "smiles", "gap", "status"]
    assert frame["id"].tolist() == given["name"].tolist()
    assert frame["smiles"].tolist() == given["SMILES"].tolist()
    assert frame["gap"].isna().tolist() == (given["SMILES"] == "bad").tolist()
    expected = predict(property_model, given["SMILES"].tolist(), device="cpu")
    assert frame["gap"].tolist() == pytest.approx(expected["gap"].tolist(), rel=1e-5, nan_ok=True)
    assert (frame["status"] == "ok").tolist() == (given["SMILES"] != "bad").tolist()


def test_one_smiles_to_stdout(property_model, capsys):
    assert main(["predict", str(property_model), "[Na+].[Cl-]"]) == 0
    frame = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert frame["smiles"].tolist() == ["[Na+].[Cl-]"]
    assert frame["status"].tolist() == ["ok"]


def test_standard_input_line_by_line(property_model, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("CCO\n\nbad\nC#N"))
    assert main(["predict", str(property_model), "-"]) == 0
    captured = capsys.readouterr()
    frame = pd.read_csv(io.StringIO(captured.out), keep_default_na=False)
    assert frame["smiles"].tolist() == ["CCO", "", "bad", "C#N"]
    assert frame["status"].tolist()[0::3] == ["ok", "ok"]
    assert frame["status"].tolist()[1] == "the SMILES is empty"
    assert "2 of 4 molecules predicted; 2 failed" in captured.err


def test_options_from_a_file(property_model, tmp_path, capsys):
    config = tmp_path / "predict.yaml"
    config.write_text(f"model: {property_model}\nmolecules: CCO\nmodality: 2d\n")
    assert main(["predict", "--config", str(config)]) == 0
    assert "CCO" in capsys.readouterr().out


def test_errors_name_input_and_remedy(property_model, pretrained_model, table, tmp_path, refused):
    line = refused("predict", property_model, "c1ccccc")
    assert "cannot use molecule 'c1ccccc'" in line
    assert "correct the SMILES" in line
    assert "there is no folder /nowhere" in refused("predict", "/nowhere", "CCO")
    assert "there is no folder missing_folder" in refused("predict", "missing_folder", "CCO")
    assert "there is no file" in refused("predict", property_model, tmp_path / "nowhere.csv")
    assert "['name', 'SMILES', 'gap', 'part']" in refused("predict", property_model, table, "--smiles-column", "mol")
    assert "predict with a fine-tuned model" in refused("predict", pretrained_model, "CCO")
    assert ".csv, .tsv or .parquet, got 'out.xlsx'" in refused("predict", property_model, "C", "--out", "out.xlsx")
    assert "there is no device 'abacus'" in refused("predict", property_model, "C", "--device", "abacus")


def test_a_damaged_model_is_named(property_model, tmp_path, refused):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((property_model / name).read_bytes())
    config = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(config.replace('"channels": 16', '"channels": 32'))
    assert "do not fit the model: misshapen" in refused("predict", tmp_path, "CCO")
    (tmp_path / "config.json").write_text(config[:100])
    assert f"{tmp_path / 'config.json'} is damaged" in refused("predict", tmp_path, "CCO")
    (tmp_path / "config.json").write_text(config.replace('"units"', '"unit"'))
    assert "a saved task must have the keys ['kind', 'names', 'units'" in refused("predict", tmp_path, "CCO")
