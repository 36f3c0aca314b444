r"""Molecules to predict for, from wherever they come, and the table of the results."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from pyg_moleblend.chem import parse_smiles
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.processes import is_first

_TABLES = (".csv", ".tsv", ".parquet", ".sdf")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_input(molecules: str, smiles_column: str | None = None, id_column: str | None = None) -> MoleculeTable:
    r"""The molecules of a command's argument; every row of a table is kept.

    Args:
        molecules: A SMILES, the path of a table, or ``-``: one SMILES a line of the standard input.
        smiles_column: Column of a table's SMILES.
        id_column: Column of a table's identifiers.

    Raises:
        MoleculeError: If a SMILES cannot be read.
        ValueError: If a table cannot be read, or its column is missing.
        FileNotFoundError: If there is no such table.
    """
    path = Path(molecules)
    if molecules == "-":
        lines = [line.rstrip("\r\n") for line in sys.stdin]
        return MoleculeTable(_column(lines), on_error="keep", progress=False)
    if any(suffix.lower() in _TABLES for suffix in path.suffixes):
        return MoleculeTable(path, smiles=smiles_column, ids=id_column, on_error="keep", progress=False)
    parse_smiles(molecules)
    return MoleculeTable(_column([molecules]), progress=False)


def check_output(out: str | None) -> None:
    r"""Raises ``ValueError`` unless results can be written so: before the work, not after it."""
    if out is not None and Path(out).suffix not in (*_SEPARATORS, ".parquet"):
        raise ValueError(f"results are written as .csv, .tsv or .parquet, got {out!r}")


def write_results(frame: pd.DataFrame, out: str | None, what: str) -> None:
    r"""Writes the results, and says on stderr how many there are.

    Args:
        frame: The results, with the column ``status``.
        out: A ``.csv``, ``.tsv`` or ``.parquet`` file; the standard output by default.
        what: What was done, ``"predicted"`` say.
    """
    if not is_first():
        return
    if out is None:
        frame.to_csv(sys.stdout, index=False, lineterminator="\n")
    elif out.endswith(".parquet"):
        with atomic_write(out) as file:
            frame.to_parquet(file, index=False)
    else:
        with atomic_write(out, "w") as file:
            frame.to_csv(file, sep=_SEPARATORS[Path(out).suffix], index=False, lineterminator="\n")
    values = frame.drop(columns=["id", "smiles", "status"])
    failed = int(values.isna().any(axis=1).sum())
    reduced = int((frame["status"] != "ok").sum()) - failed
    remark = f", {reduced} of them from 2D only" if reduced else ""
    place = f" -> {out}" if out else ""
    print(
        f"{len(frame) - failed} of {len(frame)} molecules {what}{remark}; {failed} failed"
        f"{' (the column status says why)' if failed else ''}{place}",
        file=sys.stderr,
    )


def _column(smiles: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"smiles": pd.Series(smiles, dtype=object)})
