import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError, read_sdf
from pyg_moleblend.chem.sdf import mol2_records, sdf_records

GOOD = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
VALENCE = GOOD.replace("  1  2  1  0", "  1  2  1  0\n  1  3  3  0", 1).replace("  3  2  0", "  3  3  0", 1)


def record(block: str, name: str) -> str:
    return f"{block}>  <ID>\n{name}\n\n$$$$\n"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.sdf"
    text = record(GOOD, "a") + record("garbage\n", "b") + record(GOOD, "c") + record(VALENCE, "d")
    path.write_text(text + record(GOOD, "e") + GOOD[:120])
    return path


def test_every_record_is_reported_in_its_place(mixed: Path) -> None:
    got = list(read_sdf(mixed))
    assert [index for index, _ in got] == [0, 1, 2, 3, 4, 5]
    assert [isinstance(mol, MoleculeError) for _, mol in got] == [False, True, False, True, False, True]
    assert [got[i][1].GetProp("ID") for i in (0, 2, 4)] == ["a", "c", "e"]
    assert got[3][1].input == "record 3 of mixed.sdf"
    assert "valence" in got[3][1].reason
    assert "EOF" in got[5][1].reason


def test_agrees_with_rdkits_reader(tmp_path: Path) -> None:
    path = tmp_path / "good.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for text in ("CCO", "c1ccccc1", "[2H]C"):
            writer.write(Chem.AddHs(Chem.MolFromSmiles(text)))
    for policy, remove in (("remove", True), ("keep", False)):
        expected = [Chem.MolToSmiles(mol) for mol in Chem.SDMolSupplier(str(path), removeHs=remove)]
        assert [Chem.MolToSmiles(mol) for _, mol in read_sdf(path, policy)] == expected


def test_compressed_and_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "it.sdf.gz"
    path.write_bytes(gzip.compress(record(GOOD, "\xe9").encode("latin-1")))
    [(index, mol)] = read_sdf(path)
    assert (index, mol.GetProp("ID")) == (0, "\\xe9")


@pytest.mark.parametrize("text", ["", "\n\n\n"])
def test_empty_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.sdf"
    path.write_text(text)
    with pytest.raises(MoleculeError, match="holds no record"):
        next(read_sdf(path))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(read_sdf(tmp_path / "none.sdf"))


@pytest.mark.parametrize(("read", "end"), [(sdf_records, "$$$$"), (mol2_records, "@<TRIPOS>MOLECULE")])
def test_a_record_without_an_end_is_not_held_in_memory(
    read: Callable[[Path], Iterator[str]], end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyg_moleblend.chem.sdf.LONGEST", 1000)
    path = tmp_path / "a.sdf"
    path.write_text(f"{end}\n" + (f"{'x' * 90}\n" * 8 + f"{end}\n") * 20)
    assert len(list(read(path))) == 21
    path.write_text(f"{end}\n" + "line\n" * 1000)
    with pytest.raises(ValueError, match=r"a\.sdf is damaged: a record has more than 1000 characters"):
        list(read(path))
