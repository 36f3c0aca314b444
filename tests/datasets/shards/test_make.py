from pathlib import Path

import numpy as np
import pytest
from shard_rows import GOOD, portions

from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.reading import READING_DEADLINE, ReadChunk
from pyg_moleblend.datasets.shards.folder import shard_path
from pyg_moleblend.datasets.shards.make import Compact, cut_pieces, make_shards

ENTRIES = ["CCO", "bad", "N", "C", "c1ccccc1"]
MANY = [f"{text} {row}" for row, text in enumerate(GOOD * 6)]


def test_a_shard_is_finished_when_its_rows_are_there(tmp_path: Path) -> None:
    pieces = cut_pieces(portions(ENTRIES, (5,)), shard_size=3, chunk_size=2)
    making = make_shards(pieces, tmp_path, ReadChunk(), 0, READING_DEADLINE, raise_failures=False)
    number, entry = next(making)
    assert (number, entry.first_row, entry.rows, entry.molecules, entry.failures) == (0, 0, 3, 2, 1)
    assert shard_path(tmp_path, 0).stat().st_size == entry.bytes
    [(number, entry)] = making
    assert (number, entry.first_row, entry.rows, entry.molecules, entry.failures) == (1, 3, 2, 2, 0)


def test_a_bad_row_may_be_an_error(tmp_path: Path) -> None:
    pieces = cut_pieces(portions(ENTRIES, (5,)), shard_size=3, chunk_size=1)
    with pytest.raises(ValueError, match=r"row 1, 'bad': .*on_error='skip'"):
        list(make_shards(pieces, tmp_path, ReadChunk(), 0, READING_DEADLINE, raise_failures=True))


def test_workers_send_small_arrays() -> None:
    graphs = Compact(ReadChunk())(["CCO"], (), lambda *_: None).graphs
    assert {graphs.x.dtype, graphs.edge_index.dtype, graphs.edge_attr.dtype} == {np.dtype(np.uint8)}


def test_pieces_hold_every_row_once_and_no_shard_boundary() -> None:
    pieces = list(cut_pieces(portions(MANY, (5, 9)), shard_size=8, chunk_size=3))
    assert [text for piece in pieces for text in piece.rows.entries] == MANY
    numbers = [row for piece in pieces for row in piece.row_numbers]
    assert numbers == list(range(len(MANY)))
    assert all({row // 8 for row in piece.row_numbers} == {piece.shard} for piece in pieces)
    assert max(len(piece.rows.entries) for piece in pieces) == 3
    assert [piece.fills for piece in pieces] == [int(piece.row_numbers[-1]) % 8 == 7 for piece in pieces]


def test_rows_may_begin_anywhere() -> None:
    pieces = list(cut_pieces([Rows(MANY[16:20])], shard_size=8, chunk_size=100, row=16))
    assert [(piece.shard, piece.first_row, len(piece.rows.entries)) for piece in pieces] == [(2, 16, 4)]


def test_labels_and_identifiers_are_cut_with_their_rows() -> None:
    for piece in cut_pieces(portions(MANY, (4,)), shard_size=7, chunk_size=5):
        assert piece.rows.columns["y"].flatten().tolist() == piece.row_numbers.tolist()
        assert piece.rows.ids == [f"id {row}" for row in piece.row_numbers]
