import json
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from pyg_moleblend.cli import main

FAST = ["--num-workers", "0", "--progress", "false"]


def test_a_table_with_a_bad_row(table, tmp_path, capsys):
    out = tmp_path / "check.json"
    words = ["check", str(table), "--targets", "gap", "--split", "column:part", "--out", str(out), *FAST]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "rows of the source" in shown
    assert "column:part (5 train, 3 valid, 3 test;" in shown
    assert "test in train" in shown
    assert "0 of 3" in shown
    check = json.loads(out.read_text())
    assert (check["rows"], [failure["row"] for failure in check["failures"]]) == (12, [4])
    assert check["labels"][0]["labelled"] == 11
    assert check["leakage"]["split"].startswith("column:part")


def test_markup_in_data_is_text(tmp_path, capsys):
    path = tmp_path / "odd.csv"
    path.write_text("smiles,x [bold]\nC[/],1\nCCO,[red]\n")
    assert main(["check", str(path), "--targets", "x [bold]", *FAST]) == 0
    assert "x [bold]" in capsys.readouterr().out


def test_errors_are_one_line(table, tmp_path, refused):
    assert "written as .json" in refused("check", table, "--out", "check.txt")
    assert "no column 'energy'" in refused("check", table, "--targets", "energy", *FAST)
    assert "unknown split 'skaffold'" in refused("check", table, "--split", "skaffold", *FAST)


def test_every_row_of_the_nasty_ones_is_a_molecule_or_a_named_failure(shared_data: Path, tmp_path):
    nasty = pd.read_csv(shared_data.parent / "reference" / "nasty.tsv", sep="\t", dtype=str)
    small = nasty[nasty["input"].str.len().fillna(0) < 400]  # the others need the deadline, and their time
    small.to_csv(tmp_path / "nasty.tsv", sep="\t", index=False)
    words = ["check", str(tmp_path / "nasty.tsv"), "--smiles-column", "input", "--out", str(tmp_path / "out.json")]
    assert main([*words, *FAST]) == 0
    check = json.loads((tmp_path / "out.json").read_text())
    assert check["rows"] == len(small)
    counted = sum(count for _, count in check["sizes"]["histogram"])
    assert counted + len(check["failures"]) == len(small)
    assert all(failure["reason"] for failure in check["failures"] + check["unidentified"])


@pytest.mark.parametrize("hydrogens", ["remove", "add"])
def test_3d_that_is_not_its_graphs_is_told(hydrogens, tmp_path, capsys):
    folder, out = tmp_path / "shards", tmp_path / "check.json"
    with Chem.SDWriter(str(tmp_path / "given.sdf")) as file:
        for number, smiles in enumerate(["CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CCO"]):
            mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
            AllChem.EmbedMolecule(mol, randomSeed=0)
            if number == 1:
                points = mol.GetConformer().GetPositions()
                mol.GetConformer().SetPositions(points[::-1].copy())
            file.write(mol)
    words = [
        "prepare",
        str(tmp_path / "given.sdf"),
        "--out",
        str(folder),
        "--hydrogens",
        hydrogens,
        "--num-workers",
        "0",
    ]
    assert main([*words, "--progress", "false"]) == 0
    capsys.readouterr()
    assert main(["check", str(folder), "--out", str(out), *FAST]) == 0
    captured, told = capsys.readouterr(), json.loads(out.read_text())
    if hydrogens == "remove":
        assert [one["row"] for one in told["odd_geometries"]] == [1]
        assert "1 molecules; of sound ones" in captured.out
    else:
        assert "3D is not compared with graphs: the model has learnt from molecules with" in captured.err
        assert "odd_geometries" not in told
