r"""A table of any size, prepared once for training: a folder of shards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import rdkit

import pyg_moleblend
from pyg_moleblend.chem import Conformers, Hydrogens
from pyg_moleblend.datasets.base import Transform
from pyg_moleblend.datasets.io.reading import ReadChunk
from pyg_moleblend.datasets.io.table_chunks import TableChunks
from pyg_moleblend.datasets.io.transformed import transform_key
from pyg_moleblend.datasets.shards.build import SHARD_SIZE, build_shards
from pyg_moleblend.datasets.shards.folder import Manifest
from pyg_moleblend.runtime.files import digest

Engine = Literal["local", "ray"]


def prepare(
    table: str | Path,
    out: str | Path,
    smiles: str | None = None,
    targets: Sequence[str] = (),
    ids: str | None = None,
    hydrogens: Hydrogens | str = Hydrogens.REMOVE,
    conformers: Conformers | None = None,
    on_error: Literal["skip", "raise"] = "skip",
    num_workers: int = 0,
    shard_size: int = SHARD_SIZE,
    engine: Engine = "local",
    progress: bool = False,
    transform: Transform | None = None,
) -> Manifest:
    r"""Makes shards of a table's molecules, which :class:`~pyg_moleblend.datasets.MoleculeShards` reads.

    Memory is bounded whatever the size of the table. Every row is a molecule or a failure, which ``failures.csv`` lists
    with its reason. What is interrupted goes on with the same call; the files are the same, byte for byte, with any
    engine and any number of workers, as long as no molecule runs into its deadline.

    Args:
        table: A file that :class:`~pyg_moleblend.datasets.io.table_chunks.TableChunks` reads.
        out: Folder of the shards.
        smiles: Column of the SMILES; by default the one that is called so.
        targets: Columns of numbers, which become ``y``.
        ids: Column of identifiers.
        hydrogens: Which hydrogens become atoms.
        conformers: What molecules without coordinates are to have; nothing by default.
        on_error: Whether rows that are no molecule are left out, or end the run.
        num_workers: Processes that read; 0 reads in this one, without a deadline.
        shard_size: Rows of a shard.
        engine: ``"local"``, or ``"ray"``: on the machines of a Ray cluster that see both paths, from Parquet.
        progress: Whether to show a progress bar.
        transform: Applied to every molecule before it is written, as ``pre_transform`` is of a dataset in memory: it
            sees ``x``, ``edge_index``, ``edge_attr``, ``pos``, ``smiles`` and ``conformers``. What it attaches must be
            declared (:func:`pyg_moleblend.fields.declare`), unless it is a tensor with a row a molecule, and declared
            in the module that defines the transform, which worker processes import. A molecule for which it raises a
            :class:`~pyg_moleblend.chem.MoleculeError` is a failure. Its ``repr``, which must tell all of its arguments,
            is part of what the shards depend on.

    Raises:
        ValueError: If an argument or a target is not what it should be, the folder holds something else (shards made of
            another table, with other arguments or by another version of RDKit), another process is at work in it, or,
            with ``on_error="raise"``, a row is no molecule.
        FileNotFoundError: If there is no such table.
        ImportError: If Ray is asked for and not installed.
    """
    if on_error not in ("skip", "raise"):
        raise ValueError(f"`on_error` must be 'skip' or 'raise', got {on_error!r}")
    if engine not in ("local", "ray"):
        raise ValueError(f"`engine` must be 'local' or 'ray', got {engine!r}")
    if isinstance(targets, str):
        raise ValueError(f"`targets` must be a list of columns, got {targets!r}; say [{targets!r}]")
    chunks = TableChunks(table, smiles, targets, ids)
    hydrogens = Hydrogens(hydrogens)
    read = ReadChunk(hydrogens, conformers, transform)
    arguments: dict[str, Any] = {
        "read": read,
        "key": _key(chunks, hydrogens, conformers, transform),
        "shard_size": shard_size,
        "num_workers": num_workers,
        "deadline": read.deadline,
        "chunk_size": read.chunk_size,
        "facts": {"target_names": list(targets)},
        "raise_failures": on_error == "raise",
        "progress": Path(table).name if progress else None,
    }
    if engine == "ray":
        from pyg_moleblend.datasets.shards.build_ray import build_shards_ray

        return build_shards_ray(chunks, out, **arguments)
    return build_shards(chunks, out, total=chunks.num_rows, **arguments)


def _key(
    chunks: TableChunks, hydrogens: Hydrogens, conformers: Conformers | None, transform: Transform | None
) -> dict[str, Any]:
    r"""Everything that the shards depend on."""
    transformed: dict[str, Any] = {}
    if transform is not None:
        transformed = {"transform": transform_key(transform), "transform_module": type(transform).__module__}
    return {
        **transformed,
        "table": digest(chunks.path)._asdict(),
        "kind": chunks.kind,
        "smiles": chunks.smiles,
        "targets": chunks.targets,
        "ids": chunks.ids,
        "hydrogens": hydrogens.value,
        "conformers": None if conformers is None else conformers.to_dict(),
        "rdkit": rdkit.__version__,
        "pyg_moleblend": pyg_moleblend.__version__,
    }
