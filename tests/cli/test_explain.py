import io
from xml.etree import ElementTree

import pandas as pd
import pytest

from pyg_moleblend.checkpoints.model_folder import save_metadata
from pyg_moleblend.cli import main
from pyg_moleblend.inference import predict

COLUMNS = [
    *("id", "smiles", "target", "unit", "prediction", "baseline"),
    *("atoms", "spd", "bond_path", "distance", "gap", "status"),
]


def test_a_table_with_a_bad_row(property_model, table, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["explain", str(property_model), str(table), "--out", str(out), "--id-column", "name"]
    assert main([*words, "--max-drawings", "6"]) == 0
    assert "11 of 12 molecules explained; 1 failed (the column status says why) -> " in capsys.readouterr().err
    frame, given = pd.read_csv(out / "attributions.csv"), pd.read_csv(table)
    assert list(frame) == [*COLUMNS, "drawing"]
    assert frame["id"].tolist() == given["name"].tolist()
    assert frame["smiles"].tolist() == given["SMILES"].tolist()
    bad = given["SMILES"] == "bad"
    assert frame["prediction"].isna().tolist() == frame["atoms"].isna().tolist() == bad.tolist()
    assert (frame["status"] == "ok").tolist() == (~bad).tolist()
    total = frame[["atoms", "spd", "bond_path", "distance"]].sum(axis=1)
    assert (frame["baseline"] + total)[~bad].tolist() == pytest.approx(frame["prediction"][~bad].tolist(), abs=1e-4)
    expected = predict(property_model, given["SMILES"].tolist(), device="cpu")["gap"]
    assert frame["prediction"].tolist() == pytest.approx(expected.tolist(), rel=1e-5, nan_ok=True)
    drawn = frame["drawing"].dropna()
    assert drawn.tolist() == [f"{row:05d}-m{row}.svg" for row in (0, 1, 2, 3, 5)]
    assert sorted(path.name for path in out.iterdir()) == [*drawn, "attributions.csv"]
    for name in drawn:
        ElementTree.parse(out / name)


def test_one_smiles_to_stdout(property_model, capsys):
    assert main(["explain", str(property_model), "CCO", "--steps", "4"]) == 0
    captured = capsys.readouterr()
    frame = pd.read_csv(io.StringIO(captured.out))
    assert list(frame) == COLUMNS
    assert frame[["smiles", "target", "unit", "status"]].to_numpy().tolist() == [["CCO", "gap", "eV", "ok"]]
    assert "1 of 1 molecules explained; 0 failed" in captured.err


def test_errors_name_input_and_remedy(property_model, pretrained_model, table, tmp_path, refused):
    assert "cannot use molecule 'c1ccccc'" in refused("explain", property_model, "c1ccccc")
    assert "knows no property" in refused("explain", pretrained_model, "CCO")
    assert "predicts no 'mass', only ['gap']" in refused("explain", property_model, "CCO", "--targets", "mass")
    assert "explanations are a folder" in refused("explain", property_model, "CCO", "--out", "out.csv")
    assert "is not empty" in refused("explain", property_model, "CCO", "--out", tmp_path)
    save_metadata(tmp_path / "quick", "QuickModel", {})
    assert "holds a quick model" in refused("explain", tmp_path / "quick", "CCO")
    (tmp_path / "bad.csv").write_text("smiles\nbad\n")
    line = refused("explain", property_model, tmp_path / "bad.csv", "--out", tmp_path / "none")
    assert "none of 1 molecules can be explained, the first because: " in line
    assert not (tmp_path / "none").exists()
