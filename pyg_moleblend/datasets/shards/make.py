r"""Rows to the files of their shards, in pieces as workers are given them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.reading import Reading, concatenate
from pyg_moleblend.datasets.shards.folder import ShardEntry, save_entry, shard_path
from pyg_moleblend.datasets.shards.shard import write_shard
from pyg_moleblend.runtime.worker_pool import Started, map_chunks
from pyg_moleblend.utils.flat_batch import as_stored

Read = Callable[[Sequence[Any], Sequence[int], Started], Reading]
r"""Makes molecules of a chunk's entries, as :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` calls it; rows are
counted within the chunk."""


class Piece(NamedTuple):
    r"""Consecutive rows of one shard.

    Attributes:
        shard: Number of the shard.
        first_row: The first of the rows, counted in the whole table.
        rows: The rows.
        fills: Whether the shard has all rows that it can have with these.
    """

    shard: int
    first_row: int
    rows: Rows
    fills: bool

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        r"""The rows, counted in the whole table."""
        return np.arange(self.first_row, self.first_row + len(self.rows.entries))


@dataclass(frozen=True)
class Compact:
    r"""A reading function whose arrays are as small as a shard will have them: they go from process to process."""

    read: Read

    def __call__(self, chunk: Sequence[Any], kills: Sequence[int], started: Started) -> Reading:
        reading = self.read(chunk, kills, started)
        return reading._replace(graphs=reading.graphs.map(as_stored))


def cut_pieces(chunks: Iterable[Rows], shard_size: int, chunk_size: int, row: int = 0) -> Iterator[Piece]:
    r"""The rows, the first of which is `row`, in pieces for the workers; none reaches from one shard into the next."""
    for rows in chunks:
        start = 0
        while start < len(rows.entries):
            stop = min(start + chunk_size, start + shard_size - row % shard_size, len(rows.entries))
            end = row + stop - start
            yield Piece(row // shard_size, row, rows.cut(start, stop), end % shard_size == 0)
            row, start = end, stop


def make_shards(
    pieces: Iterable[Piece], folder: Path, read: Read, num_workers: int, deadline: float, raise_failures: bool
) -> Iterator[tuple[int, ShardEntry]]:
    r"""Makes the shards of these pieces, one after another.

    Args:
        pieces: All pieces of some shards, in order.
        folder: Where the shards are to be.
        read: Makes the molecules.
        num_workers: Processes that read; 0 reads in this one.
        deadline: Seconds that an entry may take.
        raise_failures: Whether a row that is no molecule ends it.

    Yields:
        The number of a shard that is finished, and what is known of it.

    Raises:
        ValueError: If ``raise_failures`` and a row is no molecule.
    """
    waiting: deque[Piece] = deque()
    held: list[tuple[Piece, Reading]] = []

    def entries() -> Iterator[Sequence[Any]]:
        for piece in pieces:
            waiting.append(piece)
            yield piece.rows.entries

    for reading in map_chunks(Compact(read), entries(), num_workers, deadline):
        piece = waiting.popleft()
        if raise_failures and reading.failures:
            _refuse(reading, piece.first_row)
        held.append((piece, reading))
        if piece.fills:
            yield piece.shard, _write(folder, held)
            held = []
    if held:  # the end of the table
        yield held[0][0].shard, _write(folder, held)


def _write(folder: Path, pieces: Sequence[tuple[Piece, Reading]]) -> ShardEntry:
    r"""Writes the shard that these pieces are, and that it is finished."""
    number, first_row = pieces[0][0].shard, pieces[0][0].first_row
    reading = concatenate([part.renumber(piece.row_numbers) for piece, part in pieces])
    rows = [piece.rows for piece, _ in pieces]
    kept = reading.rows - first_row
    columns = {name: np.concatenate([part.columns[name] for part in rows])[kept] for name in rows[0].columns}
    ids = None if rows[0].ids is None else [text for part in rows for text in part.ids or ()]
    named = [""] * sum(len(part.entries) for part in rows) if ids is None else ids
    facts = {
        "failures": [[row, named[row - first_row], text, reason] for row, text, reason in sorted(reading.failures)],
        "conformer_errors": [
            [row, named[row - first_row], cause] for row, cause in sorted(reading.conformer_errors.items())
        ],
    }
    molecule_ids = None if ids is None else [ids[row] for row in kept]
    found = write_shard(shard_path(folder, number), reading, columns, molecule_ids, facts)
    entry = ShardEntry(first_row, len(named), len(reading.rows), len(reading.failures), found.bytes, found.sha256)
    if entry.rows != entry.molecules + entry.failures:
        raise ValueError(f"{entry.rows} rows became {entry.molecules} molecules and {entry.failures} failures")
    save_entry(folder, number, entry)
    return entry


def _refuse(reading: Reading, first_row: int) -> None:
    shown = "; ".join(f"row {first_row + row}, {text!r}: {reason}" for row, text, reason in reading.failures[:5])
    more = f"; and {len(reading.failures) - 5} more there" if len(reading.failures) > 5 else ""
    raise ValueError(f"{shown}{more}. Correct them, or leave them out with on_error='skip'")
