from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pyg_moleblend.chem import parse_smiles
from pyg_moleblend.datasets.corpus import Rules, pieces
from pyg_moleblend.datasets.corpus.merge import Kept, merge
from pyg_moleblend.datasets.corpus.output import write_source
from pyg_moleblend.datasets.corpus.pieces import Job, Pieces, make_pieces
from pyg_moleblend.datasets.corpus.reading import Found, with_positions
from pyg_moleblend.datasets.corpus.records import RecordChunk

SMILES = ["CCO", "bad", "CCN", "OCC", "CCF", "C#N", "CCCl", "[NH4+]", "CCS"]
WITHOUT_STRUCTURE = ("CCF", "CCS")


def read(entries: Any, kills: Any, started: Any) -> list[Found]:
    r"""Molecules whose atoms lie at their numbers on the x axis."""
    found: list[Found] = []
    for text in entries:
        mol = None if text == "bad" else parse_smiles(text)
        if mol is not None and text not in WITHOUT_STRUCTURE:
            pos = np.zeros((mol.GetNumAtoms(), 3))
            pos[:, 0] = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
            mol = with_positions(mol, pos)
        found.append("unreadable" if mol is None else mol)
    return found


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Pieces, Kept]:
    r"""Rows 10, 20, ... in pieces of four, and what is left of them."""
    monkeypatch.setattr(pieces, "PIECE_ROWS", 4)
    rows = [(10 * i, text) for i, text in enumerate(SMILES)]
    found = make_pieces({"a": Job(lambda: rows, RecordChunk(read, Rules()), tmp_path / "work")})["a"]
    return found, merge({"a": found}, {})["a"]


@pytest.mark.parametrize("structures", [True, False])
def test_a_file_has_the_kept_rows_in_their_order(made: tuple[Pieces, Kept], tmp_path: Path, structures: bool):
    found, kept = made
    valid = np.arange(len(kept.positions)) % 3 == 1
    assert write_source(tmp_path / "a.parquet", "a", found, kept, valid, structures) == 4
    table = pq.read_table(tmp_path / "a.parquet")
    rows = table.to_pylist()
    expected = [(10 * i, text) for i, text in enumerate(SMILES) if text not in ("bad", "OCC", "[NH4+]")]
    assert [(row["row"], row["smiles"]) for row in rows] == expected
    assert [row["part"] for row in rows] == ["train", "valid", "train", "train", "valid", "train"]
    assert {row["source"] for row in rows} == {"a"}
    assert [row["skeleton"].encode() for row in rows] == kept.skeletons.tolist()
    assert ("pos" in table.column_names) == structures
    for row in rows if structures else []:
        numbers = [atom.GetAtomicNum() for atom in parse_smiles(row["smiles"]).GetAtoms()]
        assert row["pos"] == (None if row["smiles"] in WITHOUT_STRUCTURE else [x for n in numbers for x in (n, 0, 0)])


def test_an_interrupted_write_leaves_the_old_file(made: tuple[Pieces, Kept], tmp_path: Path):
    found, kept = made
    path = tmp_path / "a.parquet"
    path.write_bytes(b"old")
    (tmp_path / "work" / "00002.parquet").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"00002\.parquet is damaged: .*; delete it"):
        write_source(path, "a", found, kept, np.zeros(len(kept.positions), dtype=bool), True)
    assert path.read_bytes() == b"old"
    assert not list(tmp_path.glob(".*"))
