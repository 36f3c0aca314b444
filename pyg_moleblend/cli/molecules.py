r"""Molecules to predict for, from wherever they come, and the table of the results."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from pyg_moleblend.checkpoints import read_metadata
from pyg_moleblend.chem import Hydrogens, parse_smiles
from pyg_moleblend.chem.parse import atoms_of_text
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.io.table_kind import named_as_table
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.runtime.files import atomic_write, refuse_overwriting
from pyg_moleblend.runtime.open_file import open_text
from pyg_moleblend.runtime.processes import is_first

_STDIN = "-"
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def hydrogens_of(model: str) -> Hydrogens:
    r"""Which hydrogens are atoms in the molecules that a saved model has learnt from.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If it is damaged.
    """
    return (Recipe.from_metadata(read_metadata(model)) or Recipe()).hydrogens


def read_input(
    molecules: str,
    smiles_column: str | None = None,
    id_column: str | None = None,
    hydrogens: Hydrogens = Hydrogens.REMOVE,
    max_atoms: int | None = None,
) -> MoleculeTable:
    r"""The molecules of a command's argument; every row of a table is kept.

    Args:
        molecules: A SMILES, the path of a table, or ``-``: one SMILES a line of the standard input.
        smiles_column: Column of a table's SMILES.
        id_column: Column of a table's identifiers.
        hydrogens: Which hydrogens become atoms.
        max_atoms: Most atoms of a molecule; no limit by default.

    Raises:
        MoleculeError: If a SMILES cannot be read.
        ValueError: If a table cannot be read, its column is missing, it holds no molecule, or a column is named where
            there is no table.
        FileNotFoundError: If there is no such table.
    """
    path = Path(molecules)
    settings: dict[str, Any] = {"hydrogens": hydrogens, "max_atoms": max_atoms, "progress": False}
    if molecules != _STDIN and (named_as_table(path) or os.path.exists(path)):
        table = MoleculeTable(path, smiles=smiles_column, ids=id_column, on_error="keep", **settings)
    else:
        for option, column in (("--smiles-column", smiles_column), ("--id-column", id_column)):
            if column is not None:
                raise ValueError(f"{option} is of a table, and {molecules!r} is none: leave {option} {column} out")
        if molecules != _STDIN and (max_atoms is None or atoms_of_text(molecules) <= max_atoms):
            parse_smiles(molecules)
        given = _column(_lines() if molecules == _STDIN else [molecules])
        table = MoleculeTable(given, on_error="keep", **settings)
    if not len(table):
        first = f", the first row because {table.failures[0].reason}" if table.failures else ""
        raise ValueError(f"{molecules} holds no molecule in {table.num_rows} rows{first}")
    return table


def check_output(out: str | None, *inputs: str) -> None:
    r"""Raises ``ValueError`` unless results can be written so: before the work, not after it.

    Args:
        out: The file; ``None`` is the standard output.
        inputs: What is read, which may not be overwritten.
    """
    if out is None:
        return
    if Path(out).suffix not in (*_SEPARATORS, ".parquet"):
        raise ValueError(f"results are written as .csv, .tsv or .parquet, got {out!r}")
    if os.path.isdir(out):
        raise ValueError(f"{out} is a folder: name a file for the results")
    refuse_overwriting(out, *(_stdin_path() if given == _STDIN else given for given in inputs))


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


def _lines() -> list[str]:
    text = open_text("the standard input", sys.stdin.buffer) if hasattr(sys.stdin, "buffer") else sys.stdin
    return [line.rstrip("\r\n") for line in text]


def _stdin_path() -> str | None:
    r"""The file that the standard input is, where the system tells."""
    return "/dev/stdin" if os.path.exists("/dev/stdin") else None


def _column(smiles: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"smiles": pd.Series(smiles, dtype=object)})
