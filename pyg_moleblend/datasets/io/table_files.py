r"""Tables of molecules from files: CSV, Parquet and SD files."""

import lzma
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from pyg_moleblend.chem.sdf import record_fields, sdf_records
from pyg_moleblend.datasets.io.entries import Entry, SdfRecord
from pyg_moleblend.datasets.io.table_columns import find_smiles_column

SEPARATORS = {".csv": ",", ".tsv": "\t"}
r"""Kinds of delimited text, and what stands between two cells."""

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def read_table(source: str | Path | pd.DataFrame, smiles: str | None = None) -> tuple[pd.DataFrame, list[Entry]]:
    r"""A table and the molecule of each of its rows.

    Args:
        source: A ``.csv``, ``.tsv`` (also compressed), ``.parquet`` or ``.sdf`` (also ``.gz``) file, or a data frame.
        smiles: Column of the SMILES, or of RDKit molecules; by default the one that is called so, in upper or
            lower case. An SD file has none: its records are the molecules, and their properties the columns,
            with the title as ``_Name``.

    Returns:
        The table, with a new index from 0 (cells of CSV and SD files are text, exactly as written), and its entries.

    Raises:
        ValueError: If the file's kind is unknown, it is damaged or holds no record, or the column is missing or not
            clear.
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
            return _read_sdf(path)
        if kind == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.concat(list(text_frames(path, kind)), ignore_index=True)
    column = find_smiles_column(list(frame.columns), smiles)
    return frame, frame[column].tolist()


def text_columns(path: Path, kind: str) -> list[str]:
    r"""Names of the columns of a file of delimited text, as they are written."""
    try:
        head = pd.read_csv(path, sep=SEPARATORS[kind], header=None, nrows=1, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty: its first line must name its columns") from error
    return [str(name) for name in head.iloc[0]]


def text_frames(path: Path, kind: str, rows: int = 65_536) -> Iterator[pd.DataFrame]:
    r"""A file of delimited text in portions, every cell as it is written. Blank lines are no rows.

    Args:
        path: The file, compressed or not.
        kind: A key of :data:`SEPARATORS`.
        rows: Rows of a portion.

    Raises:
        ValueError: If a line has more cells than the head has names, or the file is damaged.
    """
    names = text_columns(path, kind)
    try:
        with warnings.catch_warnings():
            # pandas would cut such lines off, or take their first cell for an index and shift the others.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            with pd.read_csv(
                path,
                sep=SEPARATORS[kind],
                dtype=str,
                keep_default_na=False,
                index_col=False,
                chunksize=rows,
                encoding_errors="backslashreplace",
            ) as frames:
                for frame in frames:
                    frame.columns = pd.Index(names)  # pandas renames the second of two that are called alike
                    yield frame
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ValueError(
            f"{path} has lines with more cells than the {len(names)} names in its head, so which cell is of which "
            f"column is not clear ({' '.join(str(error).split())}); quote cells that hold a {SEPARATORS[kind]!r}"
        ) from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def sdf_rows(path: Path) -> Iterator[tuple[SdfRecord, dict[str, str]]]:
    r"""The records of an SD file, and what is written in their properties.

    Raises:
        ValueError: If the file is damaged.
    """
    try:
        for number, record in enumerate(sdf_records(path)):
            yield SdfRecord(f"record {number} of {path.name}", record), record_fields(record)
    except (EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


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


def _read_sdf(path: Path) -> tuple[pd.DataFrame, list[Entry]]:
    rows = list(sdf_rows(path))
    if not rows:
        raise ValueError(f"{path} holds no record; check that it was written completely")
    return pd.DataFrame([fields for _, fields in rows], index=range(len(rows))), [record for record, _ in rows]
