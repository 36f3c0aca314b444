r"""OGB's raw files of molecules: graphs, labels, SMILES and the official split, as they are published."""

import gzip
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from pyg_moleblend.chem import FlatGraphs
from pyg_moleblend.fields import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES

GRAPH_FILES = tuple(
    f"raw/{name}.csv.gz" for name in ("num-node-list", "num-edge-list", "node-feat", "edge", "edge-feat")
)
LABEL_FILE = "raw/graph-label.csv.gz"
SMILES_FILE = "mapping/mol.csv.gz"
SPLIT_FILES = tuple(f"split/scaffold/{part}.csv.gz" for part in ("train", "valid", "test"))
RAW_FILES = (*GRAPH_FILES, LABEL_FILE, SMILES_FILE, *SPLIT_FILES)
r"""The files of a set, relative to its folder."""


class Mapping(NamedTuple):
    r"""The table of a set's molecules.

    Attributes:
        smiles: Their M SMILES.
        names: Names of the table's other columns, less the molecules' own names: those of the targets.
    """

    smiles: list[str]
    names: list[str]


def read_graphs(folder: Path) -> FlatGraphs:
    r"""A set's graphs: OGB's own integers, both directions of every bond, and no coordinates.

    Args:
        folder: The folder that holds ``raw``.

    Raises:
        ValueError: If a file is damaged, or the files contradict each other or OGB's vocabulary.
    """
    nodes_path, edges_path, x_path, bond_path, attr_path = (folder / name for name in GRAPH_FILES)
    num_atoms, num_bonds = read_numbers(nodes_path, 1)[:, 0], read_numbers(edges_path, 1)[:, 0]
    x, attr = read_numbers(x_path, len(ATOM_FEATURE_SIZES)), read_numbers(attr_path, len(BOND_FEATURE_SIZES))
    bonds = read_numbers(bond_path, 2)
    _expect(edges_path, len(num_bonds), len(num_atoms), f"{nodes_path.name} has")
    _expect(x_path, len(x), int(num_atoms.sum()), f"{nodes_path.name} adds up to")
    for path, rows in ((bond_path, bonds), (attr_path, attr)):
        _expect(path, len(rows), int(num_bonds.sum()), f"{edges_path.name} adds up to")
    _within(x_path, x, np.array(ATOM_FEATURE_SIZES))
    _within(attr_path, attr, np.array(BOND_FEATURE_SIZES))
    _within(bond_path, bonds, np.repeat(num_atoms, num_bonds)[:, None])
    return FlatGraphs(
        x=x,
        # [2, bonds, 2]: the last axis is i→j, then j→i.
        edge_index=np.stack([bonds, bonds[:, ::-1]]).transpose(2, 1, 0).reshape(2, -1),
        edge_attr=np.repeat(attr, 2, axis=0),
        pos=np.full((len(x), 3), np.nan, dtype=np.float32),
        num_atoms=num_atoms,
        num_edges=2 * num_bonds,
    )


def read_labels(folder: Path, num_tasks: int) -> NDArray[np.float32]:
    r"""A set's labels, ``[M, num_tasks]``, NaN where there is none."""
    return _read(folder / LABEL_FILE, num_tasks, pa.float64()).astype(np.float32)


def read_mapping(folder: Path) -> Mapping:
    r"""The SMILES of a set's molecules and the names of its targets.

    Raises:
        ValueError: If the file is damaged or has no column ``smiles``.
    """
    path = folder / SMILES_FILE
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)  # "NA" may well be a molecule's name
    except (EOFError, OSError, zlib.error, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    if "smiles" not in table:
        raise ValueError(f"{path} has no column 'smiles', only {list(table)[:8]}; it is not OGB's file")
    return Mapping(table["smiles"].str.strip().tolist(), [name for name in table if name not in ("smiles", "mol_id")])


def read_split(folder: Path) -> list[NDArray[np.int64]]:
    r"""Rows of the official training, validation and test parts, in the files' order."""
    return [read_numbers(folder / name, 1)[:, 0] for name in SPLIT_FILES]


def read_numbers(path: Path, columns: int) -> NDArray[np.int64]:
    r"""The integers of a CSV file without a header, ``[rows, columns]``.

    Raises:
        ValueError: If it is damaged, or has another number of columns or something else than integers.
    """
    return _read(path, columns, pa.int64())


def _read(path: Path, columns: int, kind: pa.DataType) -> NDArray[Any]:
    names = [f"{column}" for column in range(columns)]
    try:
        with gzip.open(path) as file:
            table = csv.read_csv(
                file,
                read_options=csv.ReadOptions(column_names=names),
                # A line without anything is a row whose one label is missing.
                parse_options=csv.ParseOptions(ignore_empty_lines=False),
                convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, kind)),
            )
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise _damaged(path, error) from error
        return np.empty((0, columns), dtype=kind.to_pandas_dtype())
    except (EOFError, OSError, zlib.error) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise _damaged(path, error) from error
    if pa.types.is_integer(kind) and any(column.null_count for column in table.columns):
        raise ValueError(f"{path} has empty cells; delete it, and it is downloaded again")
    return np.stack([column.to_numpy() for column in table.columns], axis=-1)


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path} is damaged: {error}; delete it, and it is downloaded again")


def _expect(path: Path, found: int, expected: int, source: str) -> None:
    if found != expected:
        raise ValueError(f"{path} has {found} rows, {source} {expected}; delete the folder, and download it again")


def _within(path: Path, values: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
    if ((values < 0) | (values >= sizes)).any():
        raise ValueError(f"{path} holds numbers that are out of range; delete it, and it is downloaded again")
