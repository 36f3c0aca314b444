r"""All labels in one small file: whole multiples of a unit, so that the error is known and the rest compresses well."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pyg_moleblend.chem.quantum import CHARGES, PROPERTIES
from pyg_moleblend.datasets.io.arrow import arrow_named, read_parquet
from pyg_moleblend.datasets.quantum.part import flat_lists, part_paths, read_part
from pyg_moleblend.datasets.quantum.stored import StoredLabels, concatenate_labels
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.open_file import content_named, parse_json

UNITS: dict[str, float] = {
    "solvation_water": 0.01,
    "solvation_octanol": 0.01,
    "solvation_hexane": 0.01,
    "homo": 0.005,
    "lumo": 0.005,
    "gap": 0.005,
    "dipole": 0.01,
    "atomization": 0.001,
    "charge": 0.002,
    "hydrogen_charge": 0.002,
    "bond_order": 0.01,
}
r"""What one stands for in each column of the file: kcal/mol, eV, D, eV an atom, elementary charges, and a bond order.
All are well below what another conformer would change."""

_UNITS = "pyg_moleblend.units"


def write_compact(parts: str | Path, path: str | Path) -> int:
    r"""Writes the labels of a folder of parts to one Parquet file, in multiples of :data:`UNITS`.

    A row is a molecule; those without labels are left out. The atoms of ``charge`` and ``hydrogen_charge`` and the
    bonds of ``bond_order`` are in the order of RDKit's parse of ``smiles``. The units stand in the file's metadata.

    Args:
        parts: The folder, see :func:`~pyg_moleblend.datasets.quantum.compute_quantum_labels`.
        path: The file, ``.parquet``.

    Returns:
        Size of the file in bytes.

    Raises:
        ValueError: If the folder holds no parts.
    """
    stored = read_quantum_labels(parts)
    columns: dict[str, Any] = {"smiles": pa.array(stored.smiles, pa.string())}
    for k, name in enumerate(PROPERTIES):
        columns[name] = pa.array(_whole(stored.properties[:, k], name), mask=np.isnan(stored.properties[:, k]))
    for k, name in enumerate(CHARGES):
        columns[name] = _lists(_whole(stored.charges[:, k], name), stored.num_atoms)
    columns["bond_order"] = _lists(_whole(stored.bond_orders, "bond_order"), stored.num_bonds)
    names = [*PROPERTIES, *(f"{name}.list.element" for name in (*CHARGES, "bond_order"))]
    with atomic_write(path) as file:
        pq.write_table(
            pa.table(columns, metadata={_UNITS: json.dumps(UNITS)}),
            file,
            compression="zstd",
            compression_level=19,
            use_dictionary=False,
            # The low bytes vary, the high ones hardly do: apart, they compress better.
            column_encoding=dict.fromkeys(names, "BYTE_STREAM_SPLIT"),
            write_statistics=False,
        )
    return Path(path).stat().st_size


def read_quantum_labels(path: str | Path) -> StoredLabels:
    r"""The labels of a file that :func:`write_compact` made, or of a folder of parts.

    Raises:
        ValueError: If it is neither.
        FileNotFoundError: If it is not there.
    """
    path = Path(path)
    if path.is_dir():
        return concatenate_labels([read_part(part) for part in part_paths(path)])
    table = read_parquet(path)
    units = parse_json((table.schema.metadata or {}).get(_UNITS.encode(), b"{}"), path)
    if not isinstance(units, dict) or units.keys() != UNITS.keys():
        raise ValueError(f"{path} holds no quantum labels: expected a file that `moleblend quantum --compact` made")
    with arrow_named(path), content_named(path):
        return _labels(table, units)


def _labels(table: pa.Table, units: Mapping[str, float]) -> StoredLabels:
    charges = [flat_lists(table[name]) for name in CHARGES]
    orders, num_bonds = flat_lists(table["bond_order"])
    return StoredLabels(
        table["smiles"].to_pylist(),
        np.stack([_values(table[name].to_numpy(), units[name]) for name in PROPERTIES], axis=1),
        charges[0][1],
        np.stack([_values(values, units[name]) for name, (values, _) in zip(CHARGES, charges, strict=True)], axis=1),
        num_bonds,
        _values(orders, units["bond_order"]),
    )


def worst_errors(parts: str | Path, path: str | Path) -> dict[str, float]:
    r"""By how much a small file differs from the parts, at most, column by column; half of its unit is to be expected.

    Raises:
        ValueError: If they are not of the same molecules.
    """
    exact, stored = read_quantum_labels(parts), read_quantum_labels(path)
    for name in ("smiles", "num_atoms", "num_bonds"):
        if not np.array_equal(getattr(exact, name), getattr(stored, name)):
            raise ValueError(f"{path} is not of the molecules of {parts}: they differ in {name}; write it again")
    properties = zip(PROPERTIES, _worst(exact.properties, stored.properties), strict=True)
    charges = zip(CHARGES, _worst(exact.charges, stored.charges), strict=True)
    orders = _worst(exact.bond_orders[:, None], stored.bond_orders[:, None])
    return {**dict(properties), **dict(charges), "bond_order": orders[0]}


def _whole(values: NDArray[np.float32], name: str) -> NDArray[np.int32]:
    return np.rint(np.nan_to_num(values.astype(np.float64)) / UNITS[name]).astype(np.int32)


def _lists(values: NDArray[np.int32], lengths: NDArray[np.int64]) -> pa.ListArray:
    return pa.ListArray.from_arrays(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), values)


def _values(numbers: NDArray[Any], unit: float) -> NDArray[np.float32]:
    return (numbers * unit).astype(np.float32)


def _worst(exact: NDArray[np.float32], stored: NDArray[np.float32]) -> list[float]:
    if not np.array_equal(np.isnan(exact), np.isnan(stored)):
        return [np.inf] * exact.shape[1]
    return np.nan_to_num(np.abs(exact.astype(np.float64) - stored)).max(0, initial=0).tolist()
