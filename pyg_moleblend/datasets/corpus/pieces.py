r"""What workers find, kept on disk in pieces: an interrupted run goes on with the next piece."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm

from pyg_moleblend.datasets.corpus.records import KEY_LENGTH, KeyChunk, RecordChunk
from pyg_moleblend.datasets.io.arrow import read_parquet
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.worker_pool import Started, in_chunks, map_chunks

PIECE_ROWS = 16_384
r"""Rows of a piece: ten seconds of work or so, the most that an interrupted run loses."""

CHUNK_ROWS = 256

DEADLINE_SECONDS = 10.0
r"""Seconds that a molecule may take: half a millisecond is usual, and InChI does not end on some."""


class Pieces(NamedTuple):
    r"""The finished pieces of one source, in the order of its rows."""

    paths: Sequence[Path]

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        r"""The pieces one after another, all columns by default.

        Raises:
            ValueError: If one is damaged.
        """
        for path in self.paths:
            try:
                table = read_parquet(path, columns)
            except (ValueError, OSError) as error:
                raise ValueError(f"{path} is damaged: {error}; delete it, and make the corpus again") from error
            yield table

    def take(self, positions: NDArray[np.int64], columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        r"""Some of the rows, a table a piece.

        Args:
            positions: Positions of the rows, counted over all pieces, ascending.
            columns: Names of the columns, all by default.
        """
        start = 0
        for table in self.tables(columns):
            first, last = np.searchsorted(positions, [start, start + len(table)])
            yield table.take(positions[first:last] - start)
            start += len(table)

    def counts(self) -> dict[str, int]:
        r"""Number of rows by reason, in alphabetical order; those that may be kept have the reason ``""``."""
        found: dict[str, int] = {}
        for table in self.tables(["reason"]):
            for entry in pc.value_counts(table["reason"]).to_pylist():
                found[entry["values"]] = found.get(entry["values"], 0) + entry["counts"]
        return dict(sorted(found.items()))

    def skeletons(self) -> tuple[NDArray[np.int64], NDArray[np.bytes_]]:
        r"""Positions of the rows that may be kept, counted over all pieces, and their keys, both ``[M]``."""
        positions, keys, start = [np.empty(0, np.int64)], [np.empty(0, f"S{KEY_LENGTH}")], 0
        for table in self.tables(["reason", "skeleton"]):
            kept = np.flatnonzero(pc.equal(table["reason"], "").to_numpy())
            positions.append(kept + start)
            keys.append(np.array(table["skeleton"].take(kept).to_pylist(), dtype=f"S{KEY_LENGTH}"))
            start += len(table)
        return np.concatenate(positions), np.concatenate(keys)


class Job(NamedTuple):
    r"""Rows of a source, and what is to be found of them.

    Attributes:
        rows: Gives the rows, always the same: their numbers, and what is written there.
        function: What is done with a chunk of them.
        folder: Where the pieces lie, a folder for these rows and this function alone.
        total: Number of rows, where it is known.
    """

    rows: Callable[[], Iterable[tuple[int, Any]]]
    function: RecordChunk | KeyChunk
    folder: Path
    total: int | None = None


class _Row(NamedTuple):
    job: str
    number: int
    entry: Any


@dataclass(frozen=True)
class _EachJob:
    r"""Does with a chunk what its job does: so one pool of workers, which take seconds to start, serves them all."""

    functions: Mapping[str, RecordChunk | KeyChunk]

    def __call__(self, chunk: Sequence[_Row], kills: Sequence[int], started: Started) -> pa.RecordBatch:
        return self.functions[chunk[0].job]([(row.number, row.entry) for row in chunk], kills, started)


def make_pieces(jobs: Mapping[str, Job], num_workers: int = 0, progress: bool = False) -> dict[str, Pieces]:
    r"""The records of the rows of several sources; pieces that are in place already are not made again.

    What is in them does not depend on the number of workers. A few pieces are in memory at a time, however many rows
    there are.

    Args:
        jobs: The sources, by name.
        num_workers: Worker processes, which are killed where a molecule takes too long; 0 is this one, without a
            deadline.
        progress: Whether to show a progress bar.
    """
    numbers = dict.fromkeys(jobs, 0)
    wanted: deque[tuple[str, Path, int]] = deque()  # pieces that are being made, and of how many chunks
    totals = [job.total for job in jobs.values()]
    total = None if None in totals else sum(size for size in totals if size is not None)
    with tqdm(total=total, disable=not progress, unit="mol", smoothing=0.05) as bar:

        def chunks() -> Iterator[list[_Row]]:
            for name, job in jobs.items():
                bar.set_description(name)
                job.folder.mkdir(parents=True, exist_ok=True)
                for rows in in_chunks(job.rows(), PIECE_ROWS):
                    path = _path(job.folder, numbers[name])
                    numbers[name] += 1
                    if path.is_file():
                        bar.update(len(rows))
                        continue
                    piece = list(in_chunks((_Row(name, *row) for row in rows), CHUNK_ROWS))
                    wanted.append((name, path, len(piece)))
                    yield from piece

        batches: list[pa.RecordBatch] = []
        function = _EachJob({name: job.function for name, job in jobs.items()})
        for batch in map_chunks(function, chunks(), num_workers, DEADLINE_SECONDS):
            batches.append(batch)
            bar.update(batch.num_rows)
            name, path, number = wanted[0]
            if len(batches) == number:
                with atomic_write(path) as file:
                    table = pa.Table.from_batches(batches, jobs[name].function.schema)
                    pq.write_table(table, file, compression="zstd")
                wanted.popleft()
                batches = []
    return {name: Pieces([_path(job.folder, i) for i in range(numbers[name])]) for name, job in jobs.items()}


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.parquet"
