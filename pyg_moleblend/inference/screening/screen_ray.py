r"""A model used on a library by many machines: the same files as :func:`~.screen.screen` makes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.shards.make import cut_pieces
from pyg_moleblend.inference.screening.library import FileRows, Library, numbered
from pyg_moleblend.inference.screening.output import Tally
from pyg_moleblend.inference.screening.result_folder import PARTS, PartEntry, finish, finished, save_part
from pyg_moleblend.inference.screening.screen import CHUNK_ROWS, DEADLINE, PART_ROWS, folder_key, parts_of
from pyg_moleblend.inference.screening.top import Top, check_top
from pyg_moleblend.inference.screening.work import ScreenChunk
from pyg_moleblend.runtime.files import sole_writer
from pyg_moleblend.runtime.ray_cluster import find_ray, ray_cluster


@dataclass(frozen=True)
class ScreenPart:
    r"""Makes one file of results, wherever Ray runs it.

    Args:
        work: The model.
        library: The molecules, in Parquet files that every machine sees under the same names.
        starts: The first row of each file, and behind them the number of all rows.
        folder: Where the results are to be; likewise.
        top: Which results are kept.
        deadline: Seconds that a molecule may take.
        part_rows: Rows of a file of results.
    """

    work: ScreenChunk
    library: Library
    starts: tuple[int, ...]
    folder: Path
    top: Top | None
    deadline: float
    part_rows: int

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        number = int(row["part"])
        pieces = cut_pieces(self._rows(number), self.part_rows, CHUNK_ROWS, number * self.part_rows)
        [(_, first_row, frame)] = parts_of(self.work, pieces, 1, self.deadline)
        return {"part": number, **save_part(self.folder, number, first_row, frame, self.top)._asdict()}

    def _rows(self, number: int) -> Iterator[Rows]:
        start, stop = number * self.part_rows, (number + 1) * self.part_rows
        for table, first, end in zip(self.library.tables, self.starts, self.starts[1:], strict=False):
            row = max(start, first)
            if row < min(stop, end):
                for rows in table.between(row - first, min(stop, end) - first):
                    yield numbered(rows, row)
                    row += len(rows.entries)


def screen_ray(
    work: ScreenChunk,
    library: Library,
    out: str | Path,
    num_workers: int = 0,
    top: Top | None = None,
    key: Mapping[str, Any] | None = None,
    deadline: float = DEADLINE,
    part_rows: int = PART_ROWS,
) -> Tally:
    r"""Writes what a model makes of each molecule of a library to a folder, on a Ray cluster.

    Ray Data hands out the files that are missing; each machine reads its rows, computes, and writes its file, and
    nothing but a line a file passes through this process. The cluster is the one that ``RAY_ADDRESS`` names or that
    this process has joined, else this machine.

    Args:
        num_workers: Files that are made at the same time; 0 is as many as the cluster has cores for, or GPUs if it has
            some.

    The other arguments are those of :func:`~pyg_moleblend.inference.screening.screen.screen`.

    Raises:
        ValueError: If a file is no Parquet file, of which a machine can read its own part, and as there.
        ImportError: If Ray is not installed.
    """
    check_top(top)
    counts = [table.num_rows for table in library.tables]
    starts = [int(row) for row in np.cumsum([0, *(count or 0 for count in counts)])]
    for table, count in zip(library.tables, counts, strict=True):
        if count is None:
            raise ValueError(
                f"engine 'ray' reads .parquet files, of which each machine can read its own part, got {table.path}; "
                "write it as Parquet, or use engine 'local'"
            )
    find_ray()
    folder = Path(out).resolve()
    stored = PARTS.claim(folder, folder_key(library, key or {}, top, part_rows))
    files = [
        FileRows(str(table.path), first, count or 0)
        for table, first, count in zip(library.tables, starts, counts, strict=False)
    ]
    everywhere = Library([table.path.resolve() for table in library.tables], library.smiles, library.ids)
    parts = finished(folder)
    missing = [number for number in range(math.ceil(starts[-1] / part_rows)) if number not in parts]
    make = ScreenPart(work, everywhere, tuple(starts), folder, top, deadline, part_rows)
    with (
        sole_writer(folder),
        ray_cluster() as ray,
        tqdm(total=starts[-1], desc="molecules", disable=None, unit="mol") as bar,
    ):
        bar.update(sum(entry.rows for entry in parts.values()))
        if missing:
            items = ray.data.from_items([{"part": number} for number in missing], override_num_blocks=len(missing))
            pool = ray.data.TaskPoolStrategy(size=num_workers or None)
            gpus = {"num_gpus": 1} if ray.cluster_resources().get("GPU") else {}
            for row in items.map(make, compute=pool, **gpus).iter_rows():
                number = row.pop("part")
                parts[number] = PartEntry(**row)
                bar.update(parts[number].rows)
        return finish(folder, stored, files, parts, top)
