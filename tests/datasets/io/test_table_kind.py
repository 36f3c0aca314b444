import gzip
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem

from pyg_moleblend.datasets.io.table_kind import KINDS, READABLE, named_as_table, table_kind

BLOCK = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"smiles\nC\n", ".csv"),
        ("A.TSV.GZ", gzip.compress(b"smiles\ty\nC\t1\n", mtime=0), ".tsv"),
        ("a.SDF", f"{BLOCK}$$$$\n".encode(), ".sdf"),
        ("a.csv", f"{BLOCK}$$$$\n".encode(), ".sdf"),
        ("a.mol", BLOCK.encode(), ".sdf"),
        ("a.txt", b"@<TRIPOS>MOLECULE\nethanol\n", ".mol2"),
        ("a.txt", b"C methane\n", ".smi"),
        ("a.txt", b"smiles,y\nC,1\n", ".csv"),
    ],
)
def test_content_wins_over_the_name(name: str, content: bytes, kind: str, tmp_path: Path):
    found = table_kind(written(tmp_path / name, content))
    assert found == (kind if name != "a.txt" or kind != ".smi" else ".txt")


def test_binary_tables_are_known_by_their_first_bytes(tmp_path: Path):
    frame = pd.DataFrame({"smiles": ["C"]})
    frame.to_parquet(tmp_path / "a.csv")
    frame.to_feather(tmp_path / "b.csv")
    assert [table_kind(tmp_path / name) for name in ("a.csv", "b.csv")] == [".parquet", ".feather"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xlsx", b"PK\x03\x04", "a spreadsheet: save it as .csv"),
        ("a.pdb", b"ATOM      1\n", "a structure without bond orders"),
        ("a.pkl", b"\x80\x04", "a pickle, which could run code"),
        ("a.csv", b"\xd0\xcf\x11\xe0", "a spreadsheet: save it as .csv"),
        ("a.csv", b"smiles\n\0\n", "it holds zero bytes"),
        ("a.csv", b"", "a.csv is empty"),
        ("a.what", b"what\n", "must be a .csv"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(name: str, content: bytes, reason: str, tmp_path: Path):
    with pytest.raises(ValueError, match=reason):
        table_kind(written(tmp_path / name, content))


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        table_kind(tmp_path / "a.csv")


def test_names_of_tables():
    assert all(kind in KINDS for kind in READABLE)
    assert [named_as_table(Path(name)) for name in ("a.csv.xz", "a.xlsx", "CCO", "C.C")] == [True, True, False, False]
