r"""Tables of molecules from files: CSV, Parquet and SD files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem import Hydrogens, read_sdf
from pyg_moleblend.datasets.reading import Entry

SEPARATORS = {".csv": ",", ".tsv": "\t"}
r"""Kinds of delimited text, and what stands between two cells."""

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def read_table(
    source: str | Path | pd.DataFrame, smiles: str | None = None, hydrogens: Hydrogens | str = Hydrogens.REMOVE
) -> tuple[pd.DataFrame, list[Entry]]:
    r"""A table and the molecule of each of its rows.

    Args:
        source: A ``.csv``, ``.tsv`` (also compressed), ``.parquet`` or ``.sdf`` file, or a data frame.
        smiles: Column of the SMILES, or of RDKit molecules; by default the one that is called so, in upper or
            lower case. An SD file has none: its records are the molecules, and their properties the columns,
            with the title as ``_Name``.
        hydrogens: Which hydrogens of an SD file's records become atoms.

    Returns:
        The table, with a new index from 0 (cells of CSV files are text, exactly as written), and its entries.

    Raises:
        ValueError: If the file's kind is unknown, or the column is missing or not clear.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
    else:
        path = Path(source)
        kind = table_kind(path)
        if kind == ".sdf":
            if smiles is not None:
                raise ValueError(f"an SD file has no column of SMILES, leave smiles={smiles!r} out")
            return _read_sdf(path, hydrogens)
        # Text as text: an identifier 007 stays 007, and what a column means is for its reader to say.
        frame = pd.read_parquet(path) if kind == ".parquet" else pd.read_csv(path, sep=SEPARATORS[kind], dtype=str)
    column = find_smiles_column(list(frame.columns), smiles)
    return frame, frame[column].tolist()


def table_kind(path: Path, more: Sequence[str] = ()) -> str:
    r"""The kind of an existing table file, ``".csv"`` say, whether compressed or not.

    Raises:
        ValueError: If it is none of ``.csv``, ``.tsv``, ``.parquet``, ``.sdf`` and `more`.
        FileNotFoundError: If there is no such file.
    """
    kinds = [*SEPARATORS, ".parquet", ".sdf", *more]
    kind = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _COMPRESSED][-1:]
    if not kind or kind[0] not in kinds:
        raise ValueError(f"{path} must be a {', '.join(kinds[:-1])} or {kinds[-1]} file")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return kind[0]


def number_column(frame: pd.DataFrame, column: str) -> NDArray[np.float32]:
    r"""A column as numbers, NaN where it is empty.

    Raises:
        ValueError: If there is no such column, or a value is neither a finite number nor missing.
    """
    check_column(list(frame.columns), column)
    given = frame[column].map(lambda value: np.nan if isinstance(value, str) and not value.strip() else value)
    numbers = pd.to_numeric(given, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    too_large = np.abs(numbers) > np.finfo(np.float32).max
    bad = np.flatnonzero((np.isnan(numbers) & given.notna().to_numpy()) | too_large)
    if len(bad):
        more = f", and so do {len(bad) - 1} more" if len(bad) > 1 else ""
        raise ValueError(
            f"column {column!r} must hold finite numbers, or nothing where there is no label; row "
            f"{frame.index[bad[0]]} holds {frame[column].iloc[bad[0]]!r}{more}"
        )
    return numbers.astype(np.float32)


def check_column(columns: Sequence[Any], column: str) -> None:
    r"""Raises ``ValueError``, and says which columns there are, unless there is exactly one of this name."""
    found = list(columns).count(column)
    if found != 1:
        many = "no column" if not found else f"{found} columns"
        raise ValueError(f"the table has {many} {column!r}; its columns are {list(columns)}")


def find_smiles_column(columns: Sequence[Any], smiles: str | None) -> str:
    r"""The column of the molecules: the one that is named, or the one that is called SMILES, in any case.

    Raises:
        ValueError: If it is missing or not clear which it is.
    """
    if smiles is None:
        named = [column for column in columns if str(column).lower() == "smiles"]
        if len(named) != 1:
            raise ValueError(
                f"say which column holds the molecules, one of {list(columns)} (smiles=..., or --smiles-column)"
            )
        return str(named[0])
    check_column(columns, smiles)
    return smiles


def _read_sdf(path: Path, hydrogens: Hydrogens | str) -> tuple[pd.DataFrame, list[Entry]]:
    entries: list[Entry] = [entry for _, entry in read_sdf(path, hydrogens)]
    rows = [
        {"_Name": entry.GetProp("_Name") if entry.HasProp("_Name") else "", **entry.GetPropsAsDict()}
        if isinstance(entry, Chem.Mol)
        else {}
        for entry in entries
    ]
    return pd.DataFrame(rows, index=range(len(rows))), entries
