import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from ogb_files import LABELS, PARTS, SMILES, write_lines, write_ogb

from pyg_moleblend.chem import chunk_from_smiles
from pyg_moleblend.datasets.ogb.raw import RAW_FILES, read_graphs, read_labels, read_mapping, read_split


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_ogb(tmp_path)
    return tmp_path


def test_graphs_are_those_that_were_written(folder: Path) -> None:
    found, expected = read_graphs(folder), chunk_from_smiles(SMILES).graphs
    for name in found._fields:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_labels_mapping_and_split(folder: Path) -> None:
    expected = [[float(label) if label else np.nan for label in row] for row in LABELS]
    np.testing.assert_array_equal(read_labels(folder, 2), np.array(expected, dtype=np.float32))
    assert read_mapping(folder) == (SMILES, ["target 0", "target 1"])
    assert [part.tolist() for part in read_split(folder)] == list(PARTS.values())


def test_an_empty_line_is_a_missing_label(tmp_path: Path) -> None:
    write_ogb(tmp_path, labels=[["1"], [""], ["0"], [""], ["1"], [""]])
    np.testing.assert_array_equal(read_labels(tmp_path, 1)[:, 0], [1, np.nan, 0, np.nan, 1, np.nan])


def read_all(folder: Path) -> None:
    read_graphs(folder), read_labels(folder, 2), read_mapping(folder), read_split(folder)


@pytest.mark.parametrize("name", RAW_FILES)
@pytest.mark.parametrize("damage", ["cut", "flipped", "text"])
def test_a_damaged_file_is_named(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[-6] ^= 0xFF  # in the checksum
    path.write_bytes({"cut": content[:-12], "flipped": content, "text": b"<html>not found</html>"}[damage])
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} is damaged: .*delete it"):
        read_all(folder)


@pytest.mark.parametrize("name", RAW_FILES[:5])
def test_a_file_with_a_row_less_is_noticed(folder: Path, name: str) -> None:
    lines = gzip.decompress((folder / name).read_bytes()).decode().splitlines()
    write_lines(folder / name, lines[:-1])
    with pytest.raises(ValueError, match=r"has \d+ rows, .* \d+; delete the folder"):
        read_all(folder)


@pytest.mark.parametrize(
    ("name", "line"), [("raw/node-feat.csv.gz", "119,0,0,0,0,0,0,0,0"), ("raw/edge.csv.gz", "0,7")]
)
def test_numbers_out_of_range_are_noticed(folder: Path, name: str, line: str) -> None:
    lines = gzip.decompress((folder / name).read_bytes()).decode().splitlines()
    write_lines(folder / name, [line, *lines[1:]])
    with pytest.raises(ValueError, match=rf"{name} holds numbers that are out of range"):
        read_all(folder)


def test_another_table_is_refused(folder: Path) -> None:
    write_lines(folder / "mapping" / "mol.csv.gz", ["a,b", "1,2"])
    with pytest.raises(ValueError, match=r"no column 'smiles', only \['a', 'b'\]"):
        read_mapping(folder)
