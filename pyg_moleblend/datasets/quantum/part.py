r"""A part: the labels of some hundred consecutive rows of a table, in full precision, failures in their rows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pyg_moleblend.chem.quantum import CHARGES, PROPERTIES, QuantumLabels
from pyg_moleblend.datasets.io.arrow import arrow_named, read_parquet
from pyg_moleblend.datasets.quantum.stored import StoredLabels, bonded_pairs
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.open_file import content_named, parse_json

_KEY = "pyg_moleblend.quantum"


class Labelled(NamedTuple):
    r"""A row of a table and its labels.

    Attributes:
        smiles: The molecule as it was given; empty where nothing was.
        labels: Its labels; ``None`` if there are none.
        error: Why there are none; empty if there are.
    """

    smiles: str
    labels: QuantumLabels | None
    error: str


def part_path(folder: Path, number: int) -> Path:
    r"""Where a part lies."""
    return folder / f"part-{number:06d}.parquet"


def part_paths(folder: Path) -> list[Path]:
    r"""The parts of a folder that are finished, in order.

    Raises:
        ValueError: If there are none.
    """
    paths = sorted(folder.glob("part-*.parquet"))
    if not paths:
        raise ValueError(f"expected a folder with part-*.parquet, got {folder}: make it with `moleblend quantum`")
    return paths


def write_part(path: Path, first_row: int, rows: Sequence[Labelled], key: Mapping[str, Any]) -> None:
    r"""Writes a part; it appears once it is complete, and the same rows give the same bytes.

    The columns are ``row``, ``smiles``, ``error`` and ``remark`` (why the conformer is not as asked for), the
    properties by name, ``charges`` (an atom's values one after another) and ``bond_orders`` (of all pairs i < j).

    Args:
        path: Where it is to be.
        first_row: The first of the rows, counted in the whole table.
        rows: The rows.
        key: What the labels depend on besides, as JSON; it stands in the file's metadata.
    """
    nothing = np.full(len(PROPERTIES), np.nan)
    properties = np.array([nothing if row.labels is None else row.labels.properties for row in rows])
    charges = [None if row.labels is None else row.labels.charges.ravel().astype(np.float32) for row in rows]
    orders = [None if row.labels is None else _upper(row.labels.bond_orders) for row in rows]
    columns = {
        "row": pa.array(np.arange(first_row, first_row + len(rows))),
        "smiles": pa.array([row.smiles for row in rows], pa.string()),
        "error": pa.array([row.error for row in rows], pa.string()),
        "remark": pa.array(["" if row.labels is None else row.labels.cause for row in rows], pa.string()),
        **{name: pa.array(properties[:, k]) for k, name in enumerate(PROPERTIES)},
        "charges": pa.array(charges, pa.list_(pa.float32())),
        "bond_orders": pa.array(orders, pa.list_(pa.float32())),
    }
    with atomic_write(path) as file:
        pq.write_table(pa.table(columns, metadata={_KEY: json.dumps(key, sort_keys=True)}), file, compression="zstd")


def read_key(path: Path) -> dict[str, Any]:
    r"""What the labels of a part depend on; empty if it is no part."""
    with arrow_named(path), content_named(path):
        return dict(parse_json((pq.read_schema(path).metadata or {}).get(_KEY.encode(), b"{}"), path))


def read_column(path: Path, name: str) -> list[Any]:
    r"""A column of a part, rows without labels included."""
    return list(read_parquet(path, [name])[name].to_pylist())


def read_part(path: Path) -> StoredLabels:
    r"""The labels of a part; rows without any are left out.

    Raises:
        ValueError: If the file is damaged.
    """
    with arrow_named(path), content_named(path):
        return _labels(read_parquet(path))


def _labels(table: pa.Table) -> StoredLabels:
    table = table.filter(pc.equal(table["error"], ""))
    smiles = table["smiles"].to_pylist()
    charges, values = flat_lists(table["charges"])
    all_orders, pairs = flat_lists(table["bond_orders"])
    sizes = values // len(CHARGES)
    bonds = [bonded_pairs(text) for text in smiles]  # [B, 2] each
    places = []
    for size, start, (i, j) in zip(sizes, np.cumsum(pairs) - pairs, map(np.transpose, bonds), strict=True):
        # Where pair i < j of N atoms stands among all of them, row by row.
        places.append(start + i * (2 * size - i - 1) // 2 + j - i - 1)
    return StoredLabels(
        smiles,
        np.stack([table[name].to_numpy() for name in PROPERTIES], axis=1).astype(np.float32),
        sizes,
        charges.reshape(-1, len(CHARGES)),
        np.array([len(pairs) for pairs in bonds], dtype=np.int64),
        all_orders[np.concatenate([np.zeros(0, dtype=np.int64), *places])],
    )


def flat_lists(column: pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[np.int64]]:
    r"""The values of a column of lists, one list after another, and how many each has."""
    lists = column.combine_chunks()
    return lists.flatten().to_numpy(), lists.value_lengths().to_numpy().astype(np.int64)


def _upper(bond_orders: NDArray[np.float64]) -> NDArray[np.float32]:
    return bond_orders[np.triu_indices(len(bond_orders), 1)].astype(np.float32)
