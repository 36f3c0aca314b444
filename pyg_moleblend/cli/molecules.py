r"""Molecules to use a model on, from wherever they come, and what is said of the results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pyg_moleblend.checkpoints import read_metadata
from pyg_moleblend.chem import Hydrogens, parse_smiles
from pyg_moleblend.chem.parse import atoms_of_text
from pyg_moleblend.datasets.io.table_kind import KINDS
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.inference.screening.library import Library, Lines, library_files
from pyg_moleblend.inference.screening.output import SUFFIXES, Tally
from pyg_moleblend.inference.screening.screen import is_folder
from pyg_moleblend.runtime.files import refuse_overwriting
from pyg_moleblend.runtime.open_file import damage_named, open_bytes, open_text
from pyg_moleblend.runtime.part_files import KEY_FILE
from pyg_moleblend.runtime.processes import is_first

_STDIN = "-"


def hydrogens_of(model: str) -> Hydrogens:
    r"""Which hydrogens are atoms in the molecules that a saved model has learnt from.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If it is damaged.
    """
    return (Recipe.from_metadata(read_metadata(model)) or Recipe()).hydrogens


def read_library(
    molecules: str, smiles_column: str | None = None, id_column: str | None = None, max_atoms: int | None = None
) -> Library | Lines:
    r"""The molecules of a command's argument.

    Args:
        molecules: A SMILES, the path of a table, a folder of tables or a pattern of their paths, or ``-``: one SMILES a
            line of the standard input.
        smiles_column: Column of a table's SMILES.
        id_column: Column of a table's identifiers.
        max_atoms: Most atoms of a molecule; no limit by default.

    Raises:
        MoleculeError: If a SMILES cannot be read.
        ValueError: If a table cannot be read, its column is missing, or a column is named where there is no table.
        FileNotFoundError: If there is no such table.
    """
    files = None if molecules == _STDIN else library_files(molecules)
    if files is not None:
        _say_left_out(molecules, files)
        return Library(files, smiles_column, id_column)
    for option, column in (("--smiles-column", smiles_column), ("--id-column", id_column)):
        if column is not None:
            raise ValueError(f"{option} is of a table, and {molecules!r} is none: leave {option} {column} out")
    if molecules == _STDIN:
        return Lines(_lines())
    if max_atoms is None or atoms_of_text(molecules) <= max_atoms:
        parse_smiles(molecules)
    return Lines([molecules])


def check_output(out: str | None, molecules: str, model: str) -> None:
    r"""Raises ``ValueError`` unless results can be written so: before the work, not after it.

    Args:
        out: The file, or the folder; ``None`` is the standard output.
        molecules: What is read, as for :func:`read_library`, which may not be overwritten.
        model: Nor may the model.
    """
    if out is None:
        return
    if out in ("", _STDIN):
        raise ValueError(f"results go to the standard output where no file is named: leave --out {out!r} out")
    if Path(out).suffix and not os.path.isdir(out) and Path(out).suffix not in SUFFIXES:
        raise ValueError(
            f"results are written to a folder (a name without a suffix), or as .csv, .tsv or .parquet, got {out!r}"
        )
    given = "/dev/stdin" if molecules == _STDIN else molecules
    refuse_overwriting(out, given, model)
    if not is_folder(out) and (Path(out).parent / KEY_FILE).is_file():
        raise ValueError(f"{out} would be in a folder of results or a prepared one ({KEY_FILE} is in it): name another")
    among = os.path.isdir(molecules) and Path(out).resolve().parent == Path(molecules).resolve()
    if among and not is_folder(out) and not os.path.exists(out):
        raise ValueError(
            f"{out} would be one of the tables of {molecules}, which are what is read: name a file elsewhere"
        )
    for path in [] if molecules == _STDIN else library_files(molecules) or []:
        refuse_overwriting(out, path)


def say_tally(tally: Tally, what: str, out: str | None) -> None:
    r"""Says on stderr how many results there are.

    Args:
        tally: What came of the molecules.
        what: What was done, ``"predicted"`` say.
        out: Where the results are; the standard output by default.
    """
    if not is_first():
        return
    remark = f", {tally.reduced} of them from 2D only" if tally.reduced else ""
    because = " (the column status says why)" if tally.failed else ""
    place = f" -> {out}" if out else ""
    done = tally.rows - tally.failed
    print(
        f"{done} of {tally.rows} molecules {what}{remark}; {tally.failed} failed{because}{place}",
        file=sys.stderr,
    )


def _say_left_out(molecules: str, files: Sequence[Path]) -> None:
    r"""Says what of a folder is not read: folders in it, and files that are not called as tables are."""
    if not os.path.isdir(molecules) or not is_first():
        return
    others = sorted({path.name for path in Path(molecules).iterdir()} - {path.name for path in files})
    if others:
        print(
            f"{len(others)} entries of {molecules} are not read, {others[0]} for one: they are no {KINDS} files",
            file=sys.stderr,
        )


def _lines() -> Iterator[str]:
    name, stream = "the standard input", getattr(sys.stdin, "buffer", None)  # a test's own has no bytes
    with damage_named(name):
        for line in sys.stdin if stream is None else open_text(name, open_bytes(name, stream)):
            yield line.rstrip("\r\n")
