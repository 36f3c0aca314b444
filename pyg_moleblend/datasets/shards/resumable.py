r"""Molecules of a table with conformers, kept on disk as they are found: an interrupted run goes on from there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rdkit
from filelock import FileLock

import pyg_moleblend
from pyg_moleblend.chem import Conformers, FlatGraphs, Hydrogens
from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.reading import Entry, Failure, ReadChunk, Reading, concatenate
from pyg_moleblend.datasets.shards.build import build_shards
from pyg_moleblend.datasets.shards.folder import shard_path
from pyg_moleblend.datasets.shards.shard import read_facts, read_shard, texts_of
from pyg_moleblend.runtime.files import content_key
from pyg_moleblend.runtime.open_file import content_named
from pyg_moleblend.utils.flat_batch import as_declared, is_text

CONFORMER_SHARD_SIZE = 512
r"""Rows of a shard: minutes of work, the most that an interrupted run loses."""


def read_resumable(
    entries: Sequence[Entry],
    folder: str | Path,
    source: Mapping[str, Any],
    conformers: Conformers,
    hydrogens: Hydrogens | str = Hydrogens.REMOVE,
    num_workers: int = 0,
    progress: str | None = None,
) -> Reading:
    r"""What :func:`~pyg_moleblend.datasets.io.reading.read_molecules` gives, by way of shards that stay on disk.

    Args:
        entries: One entry a row.
        folder: Where the shards lie, in a folder that is named for everything they depend on.
        source: What the entries follow from, as JSON.
        conformers: Which conformers molecules without coordinates are to have.
        hydrogens: Which hydrogens become atoms.
        num_workers: Processes, which are killed where a molecule takes longer than the deadline; 0 is this one,
            without a hard deadline.
        progress: Label of a progress bar; none by default.

    Raises:
        ValueError: If there are no rows.
    """
    read = ReadChunk(Hydrogens(hydrogens), conformers)
    key = {
        "source": dict(source),
        "hydrogens": read.hydrogens,
        "conformers": conformers.to_dict(),
        "pyg_moleblend": pyg_moleblend.__version__,
        "rdkit": rdkit.__version__,
    }
    own = Path(folder) / content_key(**key, shard_size=CONFORMER_SHARD_SIZE)
    own.mkdir(parents=True, exist_ok=True)
    with FileLock(own / ".lock"):  # one process builds, the others wait
        manifest = build_shards(
            [Rows(entries)],
            own,
            key,
            read,
            shard_size=CONFORMER_SHARD_SIZE,
            num_workers=num_workers,
            deadline=read.deadline,
            chunk_size=read.chunk_size,
            progress=progress,
            total=len(entries),
        )
    return concatenate([reading_of(shard_path(own, number)) for number in range(len(manifest.shards))])


def reading_of(path: str | Path) -> Reading:
    r"""The molecules of a shard as they were read from the table, failures included.

    Raises:
        ValueError: If it is no shard, or its head is damaged.
    """
    (data, slices), facts = read_shard(path), read_facts(path)
    arrays = {name: np.ascontiguousarray(as_declared(name, data[name]).numpy()) for name in slices if not is_text(name)}
    rows = arrays.pop("row")
    graph = {name: arrays.pop(name) for name in ("x", "edge_index", "edge_attr", "pos")}
    num_atoms, num_edges = (slices[name].diff().long().numpy() for name in ("x", "edge_attr"))
    graphs = FlatGraphs(**graph, num_atoms=num_atoms, num_edges=num_edges, fields=arrays)
    with content_named(path):
        failures = [Failure(row, text, reason) for row, _, text, reason in facts["failures"]]
        errors = {row: cause for row, _, cause in facts["conformer_errors"]}
    return Reading(graphs, texts_of((data, slices), "smiles"), rows, failures, errors)
