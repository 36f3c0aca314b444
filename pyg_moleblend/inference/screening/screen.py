r"""A model used on a library of any size."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import pandas as pd
import rdkit
import torch
from tqdm import tqdm

import pyg_moleblend
from pyg_moleblend.datasets.io.entries import Entry, pack_entries
from pyg_moleblend.datasets.shards.make import Piece, cut_pieces
from pyg_moleblend.inference.screening.library import Library, Lines
from pyg_moleblend.inference.screening.output import Tally, open_output, value_columns
from pyg_moleblend.inference.screening.result_folder import PARTS, PartEntry, check_some, finish, finished, save_part
from pyg_moleblend.inference.screening.top import Top, check_top
from pyg_moleblend.inference.screening.work import ScreenChunk
from pyg_moleblend.runtime.files import sole_writer
from pyg_moleblend.runtime.processes import world_size
from pyg_moleblend.runtime.worker_pool import map_chunks

CHUNK_ROWS = 2048
r"""Rows that a process works on at a time, among which batches of like size are made."""

PART_ROWS = 32_768
r"""Rows of a file of a folder of results, a minute or two of work of one core."""

FEW_ROWS = 16_384
r"""Rows for which it does not pay to start processes."""

DEADLINE = 60.0
r"""Seconds that a molecule may take to be read, and each attempt at its conformers."""


def screen(
    work: ScreenChunk,
    library: Library | Lines,
    out: str | Path | None,
    num_workers: int | None = None,
    top: Top | None = None,
    key: Mapping[str, Any] | None = None,
    deadline: float = DEADLINE,
    part_rows: int = PART_ROWS,
) -> Tally:
    r"""Writes what a model makes of each molecule of a library, in the library's order, in bounded memory.

    A folder of results can be interrupted at any moment: the same call goes on, and ends with the same bytes.

    Args:
        work: The model.
        library: The molecules.
        out: A ``.csv``, ``.tsv`` or ``.parquet`` file, a folder for partitioned Parquet files beside a manifest, or
            ``None`` for CSV to the standard output.
        num_workers: Processes that read molecules, find conformers and compute, each with one thread; 0 is this one,
            without a deadline. By default this one for few molecules, else one for each GPU, or for each core.
        top: Which results are kept; all by default. The best first, in a file of their own (``top.parquet``) in a
            folder.
        key: What the results of a folder depend on besides the library, as JSON: the model, say.
        deadline: Seconds that a molecule may take, a process being killed where one takes longer.
        part_rows: Rows of a file of a folder, which is what an interruption loses at most.

    Raises:
        ValueError: If no molecule has a result, an argument is not what it should be, or the folder holds something
            else (results for other files, or of another model).
    """
    check_top(top)
    if world_size() > 1:
        num_workers = 0  # the processes that are joined share each portion out
    with tqdm(total=library.num_rows, desc="molecules", disable=None, unit="mol") as bar:
        if is_folder(out):
            return _to_folder(work, library, Path(out or ""), num_workers, top, key or {}, deadline, part_rows, bar)
        pieces = cut_pieces(library, sys.maxsize, CHUNK_ROWS)
        frames = _counted(_frames(work, pieces, num_workers, deadline), bar)
        return _to_file(frames, out, top)


def is_folder(out: str | Path | None) -> bool:
    r"""Whether results are to be written to a folder: one that is there, or a name without a suffix."""
    return out is not None and (os.path.isdir(out) or not Path(out).suffix)


def _to_file(frames: Iterator[pd.DataFrame], out: str | Path | None, top: Top | None) -> Tally:
    first = next(frames, None)
    if first is None:
        raise ValueError("there are no molecules: the input holds no row")
    total = Tally()

    def tallied() -> Iterator[pd.DataFrame]:
        nonlocal total
        for frame in chain([first], frames):
            total = total.plus(Tally.of(frame))
            yield frame

    if top is not None:
        best = top.best(tallied(), value_columns(first))
        check_some(total, first)
        with open_output(out) as write:
            write(best)
        return total
    with open_output(out) as write:
        for frame in tallied():
            write(frame)
        check_some(total, first)
    return total


def _to_folder(
    work: ScreenChunk,
    library: Library | Lines,
    folder: Path,
    num_workers: int | None,
    top: Top | None,
    key: Mapping[str, Any],
    deadline: float,
    part_rows: int,
    bar: tqdm[Any],
) -> Tally:
    if not isinstance(library, Library):
        raise ValueError("results for text that cannot be read again are written to a file, not to a folder")
    if world_size() > 1:
        raise ValueError(
            "a folder of results is written by one process that starts others, or on a Ray cluster: leave torchrun out"
        )
    stored = PARTS.claim(folder, folder_key(library, key, top, part_rows))
    done = finished(folder)
    rows: dict[int, int] = {}

    def missing() -> Iterator[Piece]:
        for piece in cut_pieces(library, part_rows, CHUNK_ROWS):
            rows[piece.shard] = rows.get(piece.shard, 0) + len(piece.rows.entries)
            if piece.shard not in done:
                yield piece
            else:
                bar.update(len(piece.rows.entries))

    with sole_writer(folder), _one_thread():
        parts = dict(done)
        for number, first_row, frame in parts_of(work, missing(), num_workers, deadline, bar):
            parts[number] = save_part(folder, number, first_row, frame, top)
        check_rows(folder, parts, rows)
        return finish(folder, stored, library.files, parts, top)


@contextmanager
def _one_thread() -> Iterator[None]:
    r"""Has this process compute as a worker does, for another number of threads rounds otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def folder_key(library: Library, key: Mapping[str, Any], top: Top | None, part_rows: int) -> dict[str, Any]:
    r"""Everything that the results of a folder depend on."""
    return {
        **library.key(),
        **key,
        "top": None if top is None else top._asdict(),
        "rows": [CHUNK_ROWS, part_rows],
        "pyg_moleblend": pyg_moleblend.__version__,
        "torch": torch.__version__,
        "rdkit": rdkit.__version__,
    }


def check_rows(folder: Path, parts: Mapping[int, PartEntry], rows: Mapping[int, int]) -> None:
    r"""Raises ``ValueError`` unless the parts are for as many rows as the library has."""
    for number, count in rows.items():
        if number not in parts or parts[number].rows != count:
            raise ValueError(f"part {number} of {folder} is not for the {count} rows that the library has there")


def parts_of(
    work: ScreenChunk, pieces: Iterable[Piece], num_workers: int | None, deadline: float, bar: tqdm[Any] | None = None
) -> Iterator[tuple[int, int, pd.DataFrame]]:
    r"""The number, the first row and the results of each part that pieces are of."""
    for number, found in groupby(_frames(work, pieces, num_workers, deadline), lambda found: found[0].shard):
        frames: list[pd.DataFrame] = []
        first_row = 0
        for piece, frame in found:
            first_row = first_row if frames else piece.first_row
            frames.append(frame)
            if bar is not None:
                bar.update(len(frame))
        yield number, first_row, pd.concat(frames, ignore_index=True)


def _frames(
    work: ScreenChunk, pieces: Iterable[Piece], num_workers: int | None, deadline: float
) -> Iterator[tuple[Piece, pd.DataFrame]]:
    r"""Pieces and the results for their rows."""
    waiting: deque[Piece] = deque()
    if num_workers is None:
        pieces, num_workers = _workers_for(iter(pieces), work)

    def entries() -> Iterator[Sequence[Entry]]:
        for piece in pieces:
            waiting.append(piece)
            yield pack_entries(piece.rows.entries) if num_workers else piece.rows.entries

    for frame in map_chunks(work, entries(), num_workers, deadline):
        piece = waiting.popleft()
        yield piece, frame.assign(id=piece.rows.ids)


def _counted(found: Iterable[tuple[Piece, pd.DataFrame]], bar: tqdm[Any]) -> Iterator[pd.DataFrame]:
    for _, frame in found:
        bar.update(len(frame))
        yield frame


def _workers_for(pieces: Iterator[Piece], work: ScreenChunk) -> tuple[Iterator[Piece], int]:
    r"""The pieces, and how many processes are to work on them."""
    seen: list[Piece] = []
    rows = 0
    for piece in pieces:
        seen.append(piece)
        rows += len(piece.rows.entries)
        if rows > FEW_ROWS:
            return chain(seen, pieces), work.default_workers
    return iter(seen), 0
