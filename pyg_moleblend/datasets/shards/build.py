r"""Many rows to a folder of shards, in bounded memory, and from where an earlier run was interrupted."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.reading import CHUNK_SIZE, READING_DEADLINE
from pyg_moleblend.datasets.shards.folder import (
    Manifest,
    ShardEntry,
    claim,
    clear,
    complete,
    finish,
    finished,
)
from pyg_moleblend.datasets.shards.make import Piece, Read, cut_pieces, make_shards
from pyg_moleblend.runtime.files import sole_writer

SHARD_SIZE = 16_384
r"""Rows of a shard: what an interrupted run loses at most, and some megabytes."""


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
        deadline: Seconds that an entry may take, see :func:`~pyg_moleblend.runtime.worker_pool.map_chunks`.
        chunk_size: Rows that a worker is given at a time.
        facts: What else the manifest is to say, as JSON.
        raise_failures: Whether a row that is no molecule ends the run.
        progress: Label of a progress bar; none by default.
        total: Number of rows, for the progress bar.

    Returns:
        The manifest.

    Raises:
        ValueError: If the folder holds something else, there are no rows, they are not those of the finished shards,
            another process is at work in the folder, or ``raise_failures`` and one is no molecule.
    """
    folder = Path(folder)
    key, whole, manifest = begin(folder, key, shard_size)
    if manifest is not None:
        if progress is not None:
            tqdm.write(f"{folder} is complete already, and its checksums are right: nothing to do", file=sys.stderr)
        return manifest
    if progress is not None and whole:
        tqdm.write(f"{len(whole)} shards of {folder} are finished: going on with the others", file=sys.stderr)
    seen: dict[int, int] = {}

    def missing() -> Iterator[Piece]:
        for piece in cut_pieces(chunks, shard_size, chunk_size):
            size = len(piece.rows.entries)
            seen[piece.shard] = seen.get(piece.shard, 0) + size
            if piece.shard not in whole:
                yield piece
            bar.update(size)

    with sole_writer(folder), tqdm(total=total, desc=progress, disable=progress is None, unit="mol") as bar:
        made = dict(make_shards(missing(), folder, read, num_workers, deadline, raise_failures))
        shards = dict(sorted({**whole, **made}.items()))
        if other := [number for number, entry in shards.items() if seen.get(number) != entry.rows]:
            number = other[0]
            raise ValueError(
                f"shard {number} of {folder} has {shards[number].rows} rows, but now there are {seen.get(number, 0)}: "
                "the table is not the one that the folder was begun with"
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
