import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pcqm4mv2_files import GAPS, SMILES, SPLIT, write_pcqm4mv2, write_records

from pyg_moleblend.datasets.pcqm4mv2.raw import (
    SPLIT_FILE,
    STRUCTURE_FILES,
    TABLE_FILE,
    open_records,
    read_rows,
    read_split,
)

RECORDS = [f"record {i}\n\n$$$$\n" for i in range(6)]
TRAIN = np.arange(6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pcqm4mv2(tmp_path, records=RECORDS)
    return tmp_path


def test_rows_have_the_record_of_their_number(folder: Path) -> None:
    rows = list(read_rows(folder / TABLE_FILE, folder / STRUCTURE_FILES[-1], TRAIN))
    entries = [entry for part in rows for entry in part.entries]
    assert [entry.smiles for entry in entries] == SMILES
    assert [entry.record for entry in entries] == [*RECORDS, None, None, None, None]
    np.testing.assert_array_equal(np.concatenate([part.columns["y"] for part in rows])[:, 0], np.float32(GAPS))


def test_records_go_to_the_training_molecules_wherever_they_are(folder: Path) -> None:
    train = np.array([9, 1, 2, 5, 8, 3])
    rows = list(read_rows(folder / TABLE_FILE, folder / STRUCTURE_FILES[-1], train))
    records = [entry.record for part in rows for entry in part.entries]
    assert records == [None, *RECORDS[:3], None, RECORDS[3], None, None, *RECORDS[4:]]


def test_without_structures(folder: Path) -> None:
    rows = list(read_rows(folder / TABLE_FILE, None, TRAIN))
    assert [entry.record for part in rows for entry in part.entries] == [None] * 10


@pytest.mark.parametrize("name", STRUCTURE_FILES)
def test_records_however_they_are_packed(tmp_path: Path, name: str) -> None:
    path, content = tmp_path / name, "".join(RECORDS).encode()
    if name.endswith(".tar.gz"):
        write_records(path, RECORDS)
    else:
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with open_records(path) as records:
        assert list(records) == RECORDS


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def scramble(path: Path) -> None:
    path.write_text("<html>not found</html>")


@pytest.mark.parametrize("damage", [cut, flip, scramble])
@pytest.mark.parametrize("name", [TABLE_FILE, SPLIT_FILE, STRUCTURE_FILES[-1]])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    rng = np.random.default_rng(0)  # what cannot be compressed, so that a cut takes something away
    records = [f"{rng.bytes(300).hex()}\n$$$$\n" for _ in range(6)]
    write_pcqm4mv2(tmp_path, records=records)
    damage(tmp_path / name)
    if (name, damage) == (SPLIT_FILE, flip):
        return  # it has no checksum of its own that PyTorch would compare
    with pytest.raises(ValueError, match=rf"{name} is damaged.*delete it"):
        read_all(tmp_path)


def read_all(folder: Path) -> None:
    list(read_rows(folder / TABLE_FILE, folder / STRUCTURE_FILES[-1], read_split(folder / SPLIT_FILE)["train"]))


@pytest.mark.parametrize(("count", "message"), [(5, "ends before training molecule 5"), (7, "more records than")])
def test_another_number_of_records_is_noticed(folder: Path, count: int, message: str) -> None:
    write_records(folder / STRUCTURE_FILES[-1], [*RECORDS, "record 6\n$$$$\n"][:count])
    with pytest.raises(ValueError, match=message):
        list(read_rows(folder / TABLE_FILE, folder / STRUCTURE_FILES[-1], TRAIN))


def test_other_tables_are_refused(folder: Path) -> None:
    write_records(folder / STRUCTURE_FILES[-1], RECORDS[:1])
    with pytest.raises(ValueError, match="has 10 rows, but the split names molecule 11"):
        list(read_rows(folder / TABLE_FILE, folder / STRUCTURE_FILES[-1], np.array([0, 11])))
    with gzip.open(folder / TABLE_FILE, "wt") as file:
        file.write("idx,smiles,homolumogap\n1,C,2\n")
    with pytest.raises(ValueError, match="does not count its molecules from 0"):
        list(read_rows(folder / TABLE_FILE, None, TRAIN))
    with gzip.open(folder / TABLE_FILE, "wt") as file:
        file.write("smiles,gap\nC,2\n")
    with pytest.raises(ValueError, match="not PCQM4Mv2's table"):
        list(read_rows(folder / TABLE_FILE, None, TRAIN))


def test_an_archive_without_an_sd_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    path = tmp_path / STRUCTURE_FILES[-1]
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path / "a.txt", "a.txt")
        link = tarfile.TarInfo("b.sdf")  # a link to a file of this machine is no SD file
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    with pytest.raises(ValueError, match=r"holds no \.sdf file"), open_records(path):
        pass


def test_a_flipped_byte_in_the_archive_is_noticed_though_its_records_look_well(tmp_path: Path) -> None:
    path = tmp_path / STRUCTURE_FILES[-1]
    write_records(path, RECORDS)
    content = bytearray(path.read_bytes())
    content[-5] ^= 0xFF  # of the checksum, after the SD file
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged: CRC check failed"), open_records(path) as records:
        list(records)


def test_split(folder: Path) -> None:
    found = read_split(folder / SPLIT_FILE)
    assert {part: rows.tolist() for part, rows in found.items()} == {part: list(rows) for part, rows in SPLIT.items()}
    torch.save({part: torch.tensor(rows) for part, rows in SPLIT.items()}, folder / SPLIT_FILE)
    assert read_split(folder / SPLIT_FILE)["valid"].tolist() == [6, 7]
    with pytest.raises(FileNotFoundError):
        read_split(folder / "nothing.pt")


class Payload:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("executed"),))


def test_the_split_runs_no_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    torch.save({"train": Payload()}, folder / SPLIT_FILE)
    with pytest.raises(ValueError, match=r"split_dict\.pt is damaged or not PCQM4Mv2's split"):
        read_split(folder / SPLIT_FILE)
    assert not Path("executed").exists()
