from pathlib import Path

import numpy as np
import pytest
from shard_rows import portions

from pyg_moleblend.datasets.io.reading import READING_DEADLINE, ReadChunk
from pyg_moleblend.datasets.shards.folder import shard_path
from pyg_moleblend.datasets.shards.make import Compact, make_shards
from pyg_moleblend.datasets.shards.pieces import cut_pieces

ENTRIES = ["CCO", "bad", "N", "C", "c1ccccc1"]


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
