import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyg_moleblend.datasets.corpus import Rules, pieces
from pyg_moleblend.datasets.corpus.pieces import Job, make_pieces
from pyg_moleblend.datasets.corpus.reading import read_smiles
from pyg_moleblend.datasets.corpus.records import KeyChunk, RecordChunk

SMILES = ["C" * (i % 30 + 1) if i % 7 else "bad" for i in range(100)]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE_ROWS", 40)
    monkeypatch.setattr(pieces, "CHUNK_ROWS", 16)


def jobs(folder: Path, stop: int | None = None) -> dict[str, Job]:
    r"""Two sources; reading the first one breaks at a row."""

    def rows() -> Iterator[tuple[int, str]]:
        for row, text in enumerate(SMILES):
            if row == stop:
                raise KeyboardInterrupt
            yield 2 * row, text

    record, key = RecordChunk(read_smiles, Rules(1, 20)), KeyChunk(read_smiles, 20)
    return {
        "records": Job(rows, record, folder / "records", len(SMILES)),
        "keys": Job(lambda: enumerate(SMILES[:50]), key, folder / "keys"),
    }


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def test_pieces_hold_every_row_in_order(tmp_path: Path):
    found = make_pieces(jobs(tmp_path))
    assert [table.num_rows for table in found["records"].tables()] == [40, 40, 20]
    rows = [row for table in found["records"].tables() for row in table.to_pylist()]
    assert [row["row"] for row in rows] == list(range(0, 200, 2))
    expected = ["unreadable" if text == "bad" else "size" if len(text) > 20 else "" for text in SMILES]
    assert [row["reason"] for row in rows] == expected
    assert found["records"].counts() == {reason: expected.count(reason) for reason in ("", "size", "unreadable")}
    positions, keys = found["records"].skeletons()
    assert positions.tolist() == [i for i, reason in enumerate(expected) if not reason]
    assert [key.decode() for key in keys.tolist()] == [row["skeleton"] for row in rows if not row["reason"]]
    assert found["keys"].counts() == {"": 35, "too large": 7, "unreadable": 8}


def test_an_interrupted_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_pieces(jobs(tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        make_pieces(jobs(tmp_path / "broken", stop=90))
    assert sorted(content(tmp_path / "broken")) == ["records/00000.parquet", "records/00001.parquet"]
    done = []

    def here(function, chunks, *others):
        for chunk in chunks:
            done.append(len(chunk))
            yield function(chunk, [0] * len(chunk), lambda item: None)

    monkeypatch.setattr(pieces, "map_chunks", here)
    make_pieces(jobs(tmp_path / "broken"))
    assert done == [16, 4, 16, 16, 8, 10]
    assert content(tmp_path / "broken") == content(tmp_path / "whole")


def test_what_workers_are_sent_is_whole():
    for job in jobs(Path("nowhere")).values():
        chunk = list(enumerate(SMILES))
        sent = pickle.loads(pickle.dumps(pieces._EachJob({"a": job.function})))
        found = sent([pieces._Row("a", *row) for row in chunk], [0] * len(chunk), lambda item: None)
        assert pickle.loads(pickle.dumps(found)) == job.function(chunk, [0] * len(chunk), lambda item: None)


def test_no_rows_are_no_pieces(tmp_path: Path):
    found = make_pieces({"nothing": Job(lambda: iter(()), KeyChunk(read_smiles, 9), tmp_path / "nothing")})
    assert found["nothing"].counts() == {}
    assert [len(values) for values in found["nothing"].skeletons()] == [0, 0]
