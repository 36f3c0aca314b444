r"""QM9's molecules from the files they are published in, which differ in format only."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError, read_sdf
from pyg_moleblend.datasets.io.raw import installed_file
from pyg_moleblend.datasets.io.reading import Entry
from pyg_moleblend.datasets.qm9.geometry import Geometry
from pyg_moleblend.datasets.qm9.targets import TARGETS
from pyg_moleblend.runtime.open_file import content_named

PACKAGE_FILES = tuple(f"data/qm9_part{part}.csv" for part in (1, 2, 3))
RAW_FILES = ("gdb9.sdf", "gdb9.sdf.csv", "uncharacterized.txt")

_ATOMIC_NUMBER = {"H": 1, "C": 6, "N": 7, "O": 8, "F": 9}
_NO_BRACKETS = str.maketrans("", "", "[]' ")


class Record(NamedTuple):
    r"""One molecule: its graph, as a SMILES or a molecule, and its geometry with hydrogens."""

    entry: Entry
    geometry: Geometry


class QM9Files(NamedTuple):
    r"""The characterised molecules, in the order of their numbers in QM9.

    Attributes:
        number: Their numbers, ``[R]``; the first is 1.
        values: The 12 targets in the files' units, float64 ``[R, 12]``.
        records: Gives the records of some rows, which must ascend.
    """

    number: NDArray[np.int64]
    values: NDArray[np.float64]
    records: Callable[[NDArray[np.int64]], Iterator[Record]]


def package_files() -> list[Path] | None:
    r"""The files of the installed package ``qm9pack``, ``None`` without it."""
    found = [installed_file("qm9pack", name) for name in PACKAGE_FILES]
    return None if None in found else [path for path in found if path is not None]


def read_package(paths: Sequence[Path]) -> QM9Files:
    r"""QM9 from the CSV files of the package ``qm9pack``, which hold the characterised molecules only."""
    columns = ["Index", "SMILES", "Elements", "XYZ_Ang", *(target.package_column for target in TARGETS)]
    # "N" and "NaN" are texts here, and a target may be written "0.".
    types = {name: pa.string() for name in columns[1:4]} | {name: pa.float64() for name in columns[4:]}
    options = csv.ConvertOptions(include_columns=columns, column_types=types, strings_can_be_null=False)
    table = pa.concat_tables([csv.read_csv(path, convert_options=options) for path in paths]).combine_chunks()
    smiles, elements, coordinates = (table[name] for name in columns[1:4])

    def records(rows: NDArray[np.int64]) -> Iterator[Record]:
        for row in rows.tolist():
            symbols = elements[row].as_py().translate(_NO_BRACKETS).split(",")
            pos = np.fromstring(coordinates[row].as_py().translate(_NO_BRACKETS), sep=",", dtype=np.float64)
            z = np.array([_ATOMIC_NUMBER[symbol] for symbol in symbols], dtype=np.uint8)
            yield Record(smiles[row].as_py(), Geometry(z, pos.reshape(len(z), 3).astype(np.float32)))

    values = np.stack([table[target.package_column].to_numpy() for target in TARGETS], axis=-1)
    return QM9Files(table["Index"].to_numpy(), values, records)


def read_raw(folder: str | Path) -> QM9Files:
    r"""QM9 from ``gdb9.sdf``, ``gdb9.sdf.csv`` and ``uncharacterized.txt``, PyG's raw files.

    The stereo that the geometry implies is taken out of the graphs, so that they are those of QM9's SMILES.

    Raises:
        ValueError: If the SD file has not as many records as the table has rows.
    """
    sdf, table_path, uncharacterized = (Path(folder) / name for name in RAW_FILES)
    with content_named(table_path):
        table = pd.read_csv(table_path)
        number = table["mol_id"].str.removeprefix("gdb_").astype(np.int64).to_numpy()
    record_of_row = np.flatnonzero(~np.isin(number, read_uncharacterized(uncharacterized)))

    def records(rows: NDArray[np.int64]) -> Iterator[Record]:
        wanted, count = set(record_of_row[rows].tolist()), 0
        for index, entry in read_sdf(sdf, hydrogens="keep"):
            count = index + 1
            if index in wanted:
                yield _record(entry, table["mol_id"][index])
        if count != len(table):
            raise ValueError(f"{sdf} has {count} records, {table_path} {len(table)} rows; download both again")

    values = table[[target.raw_column for target in TARGETS]].to_numpy(np.float64)
    return QM9Files(number[record_of_row], values[record_of_row], records)


def read_uncharacterized(path: str | Path) -> NDArray[np.int64]:
    r"""Numbers of the molecules whose geometry is not that of the molecule meant.

    Args:
        path: ``uncharacterized.txt``: nine lines of text, a molecule a line, and how many there were.

    Raises:
        ValueError: If there are not as many molecules as the file says.
    """
    lines = [line.split() for line in Path(path).read_text(encoding="utf-8").splitlines()[9:]]
    footer = [int(words[0]) for words in lines if words[1:] == ["compounds"]]
    numbers = [int(words[0]) for words in lines if words and words[0].isdigit() and words[1:] != ["compounds"]]
    if footer and footer[0] != len(numbers):
        raise ValueError(f"{path} holds {len(numbers)} molecules but says {footer[0]}; download it again")
    return np.array(numbers, dtype=np.int64)


def _record(entry: Chem.Mol | MoleculeError, title: str) -> Record:
    nothing = Geometry(np.empty(0, np.uint8), np.empty((0, 3), np.float32))
    if isinstance(entry, MoleculeError):
        return Record(entry, nothing)
    if entry.GetProp("_Name") != title:
        reason = f"its title in the SD file is {entry.GetProp('_Name')!r}"
        return Record(MoleculeError(title, reason, "download the files again"), nothing)
    z = np.array([atom.GetAtomicNum() for atom in entry.GetAtoms()], dtype=np.uint8)
    pos = entry.GetConformer().GetPositions().astype(np.float32)
    Chem.RemoveStereochemistry(entry)
    return Record(entry, Geometry(z, pos))
