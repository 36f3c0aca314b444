r"""Shards made by many machines: the same files as :func:`~pyg_moleblend.datasets.shards.build.build_shards` makes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pyg_moleblend.datasets.io.table_chunks import TableChunks
from pyg_moleblend.datasets.shards.build import begin
from pyg_moleblend.datasets.shards.folder import Manifest, ShardEntry, finish
from pyg_moleblend.datasets.shards.make import Read, cut_pieces, make_shards
from pyg_moleblend.runtime.files import sole_writer
from pyg_moleblend.runtime.ray_cluster import find_ray, ray_cluster


@dataclass(frozen=True)
class MakeShard:
    r"""Makes one shard of a Parquet file, wherever Ray runs it; its rows are found by the file's row groups.

    Args:
        chunks: The table.
        folder: Where the shards are to be; every machine sees it under this name.
        read: Makes the molecules, in a process of its own, which the deadline can kill.
        shard_size: Rows of a shard.
        chunk_size: Rows that the process is given at a time.
        deadline: Seconds that an entry may take.
        raise_failures: Whether a row that is no molecule is an error.
    """

    chunks: TableChunks
    folder: Path
    read: Read
    shard_size: int
    chunk_size: int
    deadline: float
    raise_failures: bool

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        number = int(row["shard"])
        start = number * self.shard_size
        rows = self.chunks.between(start, start + self.shard_size)
        pieces = cut_pieces(rows, self.shard_size, self.chunk_size, start)
        [(_, entry)] = make_shards(pieces, self.folder, self.read, 1, self.deadline, self.raise_failures)
        return {"shard": number, **entry._asdict()}


def build_shards_ray(
    chunks: TableChunks,
    folder: str | Path,
    key: Mapping[str, Any],
    read: Read,
    shard_size: int,
    num_workers: int,
    deadline: float,
    chunk_size: int,
    facts: Mapping[str, Any],
    raise_failures: bool,
    progress: str | None,
) -> Manifest:
    r"""Makes a folder of shards, or what is missing of one, on a Ray cluster.

    Ray Data hands out the shards that are missing, each machine reads its rows from the file and writes its shards, and
    nothing but a line a shard passes through this process. The cluster is the one that ``RAY_ADDRESS`` names or that
    this process has joined, else this machine.

    Args:
        chunks: A Parquet table.
        num_workers: Shards that are made at the same time; 0 is as many as the cluster has cores for.

    The other arguments are those of :func:`~pyg_moleblend.datasets.shards.build.build_shards`.

    Raises:
        ValueError: If the table is no Parquet file, and as there.
        ImportError: If Ray is not installed.
    """
    if chunks.num_rows is None:
        raise ValueError(
            f"engine 'ray' reads .parquet tables, of which each machine can read its own part, got {chunks.path}; "
            "write it as Parquet, or use engine 'local'"
        )
    find_ray()
    folder = Path(folder).resolve()
    key, whole, manifest = begin(folder, key, shard_size)
    if manifest is not None:
        return manifest
    missing = [number for number in range(math.ceil(chunks.num_rows / shard_size)) if number not in whole]
    make = MakeShard(chunks, folder, read, shard_size, chunk_size, deadline, raise_failures)
    shards = dict(whole)
    with (
        sole_writer(folder),
        ray_cluster() as ray,
        tqdm(total=chunks.num_rows, desc=progress, disable=progress is None, unit="mol") as bar,
    ):
        bar.update(sum(entry.rows for entry in whole.values()))
        if missing:
            items = ray.data.from_items([{"shard": number} for number in missing], override_num_blocks=len(missing))
            pool = ray.data.TaskPoolStrategy(size=num_workers or None)
            for row in items.map(make, compute=pool).iter_rows():
                number = row.pop("shard")
                shards[number] = ShardEntry(**row)
                bar.update(shards[number].rows)
        return finish(folder, key, facts, dict(sorted(shards.items())).values())
