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

from pyg_moleblend.chem.parse import parse_smiles
from pyg_moleblend.chem.quantum import CHARGES, PROPERTIES, QuantumLabels
from pyg_moleblend.utils.files import atomic_write

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


class StoredLabels(NamedTuple):
    r"""The labels of M molecules, one after another; atoms and bonds are in the order of RDKit's parse of the SMILES.

    Attributes:
        smiles: M SMILES.
        properties: ``[M, 8]`` float32, in the order of :data:`~pyg_moleblend.chem.quantum.PROPERTIES`.
        num_atoms: ``[M]`` int64.
        charges: ``[ΣN, 2]`` float32, in the order of :data:`~pyg_moleblend.chem.quantum.CHARGES`.
        num_bonds: ``[M]`` int64.
        bond_orders: ``[ΣB]`` float32, of bonded pairs only. Bond k of a molecule is columns ``2k`` and ``2k + 1`` of
            the ``edge_index`` that :func:`~pyg_moleblend.chem.from_smiles` gives.
    """

    smiles: list[str]
    properties: NDArray[np.float32]
    num_atoms: NDArray[np.int64]
    charges: NDArray[np.float32]
    num_bonds: NDArray[np.int64]
    bond_orders: NDArray[np.float32]


def part_path(folder: Path, number: int) -> Path:
    r"""Where a part lies."""
    return folder / f"part-{number:06d}.parquet"


def part_paths(folder: Path) -> list[Path]:
    r"""The parts of a folder that are finished, in order."""
    return sorted(folder.glob("part-*.parquet"))


def write_part(path: Path, first_row: int, rows: Sequence[Labelled], key: Mapping[str, Any]) -> None:
    r"""Writes a part; it appears once it is complete, and the same rows give the same bytes.

    The columns are ``row``, ``smiles``, ``error`` and ``remark`` (why the conformer is not as asked for), the
    properties by name, ``charges`` (an atom's values one after another) and ``bond_orders`` (of all pairs i < j). What
    the labels depend on besides the rows, the key, stands in the file's metadata.
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
    return dict(json.loads((pq.read_schema(path).metadata or {}).get(_KEY.encode(), b"{}")))


def read_smiles(path: Path) -> list[str]:
    r"""The molecules of a part, of its failures too."""
    return list(pq.read_table(path, columns=["smiles"])["smiles"].to_pylist())


def read_errors(path: Path) -> list[str]:
    r"""Why the rows of a part have no labels; empty for those that have some."""
    return list(pq.read_table(path, columns=["error"])["error"].to_pylist())


def read_part(path: Path) -> StoredLabels:
    r"""The labels of a part; rows without any are left out."""
    table = pq.read_table(path)
    table = table.filter(pc.equal(table["error"], ""))
    smiles = table["smiles"].to_pylist()
    charges = [np.asarray(values, dtype=np.float32) for values in table["charges"].to_pylist()]
    all_orders = [np.asarray(values, dtype=np.float32) for values in table["bond_orders"].to_pylist()]
    sizes = np.array([len(values) // len(CHARGES) for values in charges], dtype=np.int64)
    bonds = [bonded_pairs(text) for text in smiles]  # [B, 2] each
    # Where pair i < j of N atoms stands among all of them, row by row.
    places = [i * (2 * size - i - 1) // 2 + j - i - 1 for size, (i, j) in zip(sizes, map(np.transpose, bonds), strict=True)]
    orders = [values[place] for values, place in zip(all_orders, places, strict=True)]
    return StoredLabels(
        smiles,
        np.stack([table[name].to_numpy() for name in PROPERTIES], axis=1).astype(np.float32),
        sizes,
        np.concatenate([np.zeros(0, np.float32), *charges]).reshape(-1, len(CHARGES)),
        np.array([len(pairs) for pairs in bonds], dtype=np.int64),
        np.concatenate([np.zeros(0, np.float32), *orders]),
    )


def bonded_pairs(smiles: str) -> NDArray[np.int64]:
    r"""The two atoms of each bond, ``[B, 2]``, the lower number first."""
    bonds = parse_smiles(smiles).GetBonds()
    pairs = [sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in bonds]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _upper(bond_orders: NDArray[np.float64]) -> NDArray[np.float32]:
    return bond_orders[np.triu_indices(len(bond_orders), 1)].astype(np.float32)
