r"""Many rows to a folder of shards, in bounded memory, and from where an earlier run was interrupted."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pyg_moleblend.datasets.reading import CHUNK_SIZE, READING_DEADLINE, Reading, concatenate
from pyg_moleblend.datasets.shard import smallest, write_shard
from pyg_moleblend.datasets.shard_folder import (
    Manifest,
    ShardEntry,
    claim,
    clear,
    complete,
    finish,
    finished,
    save_entry,
    shard_path,
)
from pyg_moleblend.utils.worker_pool import Started, map_chunks

SHARD_SIZE = 16_384
r"""Rows of a shard: what an interrupted run loses at most, and some megabytes."""

Read = Callable[[Sequence[Any], Sequence[int], Started], Reading]
r"""Makes molecules of a chunk's entries, as :func:`~pyg_moleblend.utils.worker_pool.map_chunks` calls it; rows are
counted within the chunk."""


class Rows(NamedTuple):
    r"""Some consecutive rows of a table.

    Attributes:
        entries: What the molecules are made of, one a row: SMILES, say.
        columns: What the molecules are to have besides, ``y`` say, one row a row: ``[rows, ...]``.
        ids: Identifiers of the rows.
    """

    entries: Sequence[Any]
    columns: Mapping[str, NDArray[Any]] = {}
    ids: Sequence[str] | None = None

    def cut(self, start: int, stop: int) -> "Rows":
        r"""Some of these rows."""
        columns = {name: values[start:stop] for name, values in self.columns.items()}
        return Rows(self.entries[start:stop], columns, None if self.ids is None else self.ids[start:stop])


class Piece(NamedTuple):
    r"""Rows of one shard, and what is read of them.

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
        graphs = reading.graphs
        small = {name: smallest(getattr(graphs, name)) for name in ("x", "edge_index", "edge_attr")}
        return reading._replace(graphs=graphs._replace(**small))


def build_shards(
    chunks: Iterable[Rows],
    folder: str | Path,
    key: Mapping[str, Any],
    read: Read,
    shard_size: int = SHARD_SIZE,
    num_workers: int = 0,
    deadline: float = READING_DEADLINE,
    chunk_size: int = CHUNK_SIZE,
    facts: Mapping[str, Any] | None = None,
    raise_failures: bool = False,
    progress: str | None = None,
    total: int | None = None,
) -> Manifest:
    r"""Makes a folder of shards, or what is missing of one.

    Shard ``i`` holds the rows from ``i * shard_size`` on, and its bytes follow from these rows and the key alone. So
    whatever interrupts a run, the same call again makes what is not there, or is damaged, and ends with the same files;
    of a folder that is complete it only compares the checksums. At any time no more than a shard is in memory, and a
    few chunks for each worker.

    Args:
        chunks: The rows, in any portions; not looked at if nothing is missing. They must be those of the key.
        folder: Where the shards are to be.
        key: Everything that the shards depend on, as JSON; ``shard_size`` is added.
        read: Makes the molecules; it can be pickled.
        shard_size: Rows of a shard.
        num_workers: Processes that read; 0 reads in this one, without a deadline.
        deadline: Seconds that an entry may take, see :func:`~pyg_moleblend.utils.worker_pool.map_chunks`.
        chunk_size: Rows that a worker is given at a time.
        facts: What else the manifest is to say, as JSON.
        raise_failures: Whether a row that is no molecule ends the run.
        progress: Label of a progress bar; none by default.
        total: Number of rows, for the progress bar.

    Returns:
        The manifest.

    Raises:
        ValueError: If the folder holds something else, there are no rows, they are not those of the finished shards, or
            ``raise_failures`` and one is no molecule.
    """
    folder = Path(folder)
    key, whole, manifest = begin(folder, key, shard_size)
    if manifest is not None:
        return manifest
    seen: dict[int, int] = {}

    def missing() -> Iterator[Piece]:
        for piece in cut_pieces(chunks, shard_size, chunk_size):
            size = len(piece.rows.entries)
            seen[piece.shard] = seen.get(piece.shard, 0) + size
            if piece.shard not in whole:
                yield piece
            bar.update(size)

    with tqdm(total=total, desc=progress, disable=progress is None, unit="mol") as bar:
        made = dict(make_shards(missing(), folder, read, num_workers, deadline, raise_failures))
    shards = dict(sorted({**whole, **made}.items()))
    if other := [number for number, entry in shards.items() if seen.get(number) != entry.rows]:
        number = other[0]
        raise ValueError(
            f"shard {number} of {folder} has {shards[number].rows} rows, but now there are {seen.get(number, 0)}: the "
            "table is not the one that the folder was begun with"
        )
    return finish(folder, key, facts or {}, shards.values())


def begin(
    folder: Path, key: Mapping[str, Any], shard_size: int
) -> tuple[dict[str, Any], dict[int, ShardEntry], Manifest | None]:
    r"""The key as the folder has it, the shards that are whole, and the manifest if nothing is missing.

    Raises:
        ValueError: If the folder holds something else, or the size is not positive.
    """
    if shard_size < 1:
        raise ValueError(f"`shard_size` must be positive, got {shard_size}")
    key = claim(folder, {**key, "shard_size": shard_size})
    whole = finished(folder)
    manifest = complete(folder, whole)
    if manifest is not None:
        clear(folder)  # an earlier run may have been interrupted after the manifest, and before this
    return key, whole, manifest


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
            yield piece.shard, write_pieces(folder, held)
            held = []
    if held:  # the end of the table
        yield held[0][0].shard, write_pieces(folder, held)


def write_pieces(folder: Path, pieces: Sequence[tuple[Piece, Reading]]) -> ShardEntry:
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


def cut_pieces(chunks: Iterable[Rows], shard_size: int, chunk_size: int, row: int = 0) -> Iterator[Piece]:
    r"""The rows, the first of which is `row`, in pieces for the workers; none reaches from one shard into the next."""
    for rows in chunks:
        start = 0
        while start < len(rows.entries):
            stop = min(start + chunk_size, start + shard_size - row % shard_size, len(rows.entries))
            end = row + stop - start
            yield Piece(row // shard_size, row, rows.cut(start, stop), end % shard_size == 0)
            row, start = end, stop


def _refuse(reading: Reading, first_row: int) -> None:
    shown = "; ".join(f"row {first_row + row}, {text!r}: {reason}" for row, text, reason in reading.failures[:5])
    more = f"; and {len(reading.failures) - 5} more there" if len(reading.failures) > 5 else ""
    raise ValueError(f"{shown}{more}. Correct them, or leave them out with on_error='skip'")
