import io

import pandas as pd
import pytest

from pyg_moleblend.chem import MoleculeError
from pyg_moleblend.cli.molecules import check_output, read_input, write_results

RESULTS = pd.DataFrame({"id": ["0", "1"], "smiles": ["C", "x"], "e0": [0.5, None], "status": ["ok", "no"]})


def test_inputs(table, tmp_path, monkeypatch):
    assert len(read_input(str(table))) == 11
    assert read_input(str(table)).num_rows == 12
    assert read_input("C/C=C/C").smiles == ["C/C=C/C"]
    monkeypatch.setattr("sys.stdin", io.StringIO("C\r\nCC\r\n"))
    assert read_input("-").smiles == ["C", "CC"]
    with pytest.raises(MoleculeError, match="cannot use molecule 'molecules'"):
        read_input("molecules")
    with pytest.raises(FileNotFoundError):
        read_input(str(tmp_path / "nowhere.sdf"))


def test_records_of_an_sd_file(tmp_path):
    from rdkit import Chem

    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CO"))
    path = tmp_path / "molecules.sdf"
    path.write_text(f"{block}$$$$\nbroken\n$$$$\n{block}$$$$\n")
    table = read_input(str(path))
    assert (table.num_rows, len(table)) == (3, 2)
    assert [status == "ok" for status in table.status] == [True, False, True]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_outputs(suffix, tmp_path, capsys):
    out = str(tmp_path / f"out.{suffix}")
    check_output(out)
    write_results(RESULTS, out, "embedded")
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}.get(suffix, lambda path: pd.read_csv(path, sep="\t"))(out)
    assert read["e0"].isna().tolist() == [False, True]
    assert read["status"].tolist() == ["ok", "no"]
    said = capsys.readouterr().err
    assert said == f"1 of 2 molecules embedded; 1 failed (the column status says why) -> {out}\n"


def test_molecules_that_lost_their_3d_are_counted(capsys):
    frame = RESULTS.assign(e0=[0.5, 0.25], status=["ok", "2D only: no conformer"])
    write_results(frame, None, "predicted")
    assert capsys.readouterr().err == "2 of 2 molecules predicted, 1 of them from 2D only; 0 failed\n"


def test_other_kinds_of_output_are_refused():
    with pytest.raises(ValueError, match=r"\.csv, \.tsv or \.parquet, got 'out\.txt'"):
        check_output("out.txt")
