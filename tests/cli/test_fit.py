import json

import pandas as pd
import pytest

from pyg_moleblend.cli import main

ALKANES = [f"{'C' * n}{end}" for n in range(1, 13) for end in ("O", "N")]


@pytest.fixture(scope="module")
def molecules(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "boiling points.csv"
    rows = [f"{smiles},{10 * len(smiles)}" for smiles in ALKANES]
    path.write_text("\n".join(["smiles,boiling point", *rows, "bad,3", "CC(,1"]) + "\n")
    return path


@pytest.fixture(scope="module")
def run(molecules, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "a"
    assert main(["fit", str(molecules), "--targets", "boiling point", "--out", str(out), "--device", "cpu"]) == 0
    return out


def test_from_a_table_to_predictions_with_intervals(run, tmp_path, capsys):
    assert json.loads((run / "metrics.json").read_text())["train_molecules"] == len(ALKANES)
    new = tmp_path / "new.csv"
    new.write_text("name,smiles\na,CCCCCO\nb,xx\n")
    assert main(["predict", str(run), str(new), "--out", str(tmp_path / "out.csv"), "--level", "0.8"]) == 0
    frame = pd.read_csv(tmp_path / "out.csv")
    assert list(frame)[2:5] == ["boiling point", "boiling point_lower", "boiling point_upper"]
    assert frame.loc[0, "boiling point_lower"] < frame.loc[0, "boiling point"] < frame.loc[0, "boiling point_upper"]
    assert frame.loc[1, "boiling point":"similarity"].isna().all()
    assert frame.loc[1, "status"] != "ok"
    assert main(["predict", str(run), str(new), "--out", str(tmp_path / "top.csv"), "--top", "1"]) == 0
    assert pd.read_csv(tmp_path / "top.csv")["id"].tolist() == [0]


def test_embed_takes_the_run(run, capsys):
    capsys.readouterr()
    assert main(["embed", str(run), "CCO"]) == 0
    assert capsys.readouterr().out.startswith("id,smiles,e0,e1")


def test_evaluate_takes_the_run(run, molecules, capsys):
    capsys.readouterr()
    assert main(["evaluate", str(run), str(molecules), "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out)["molecules"] == len(ALKANES)


def test_the_folder_is_called_as_the_table(molecules, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["fit", str(molecules), "--targets", "boiling point", "--encoder", "none", "--split", "random"]) == 0
    told = capsys.readouterr()
    assert (tmp_path / "runs" / "boiling-points" / "model" / "quick.json").is_file()
    assert "2 rows of" in told.err
    assert "boiling point: rmse" in told.out
    assert "test: rmse" in told.out


def test_what_does_not_fit_is_refused(run, molecules, property_model, refused):
    given = ["fit", molecules, "--targets", "boiling point"]
    assert "holds a run already" in refused(*given, "--out", run)
    assert "of no use to the modality" in refused(*given, "--out", "x", "--conformers", 2)
    assert "nothing looks at 3D" in refused(*given, "--out", "x", "--encoder", "none", "--modality", "3d")
    assert "there is no folder nothing" in refused(*given, "--out", "x", "--encoder", "nothing")
    assert "need 1 labels that the training has not seen, and there are {'gap': 0}" in refused(
        "predict", property_model, "CC", "--level", 0.5
    )
