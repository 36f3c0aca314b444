r"""Datasets by the names that the command line has for them."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd

from pyg_moleblend.chem import Conformers, Hydrogens
from pyg_moleblend.datasets import (
    QM9,
    MoleculeACE,
    MoleculeDataset,
    MoleculeNet,
    MoleculeShards,
    MoleculeTable,
    OGBGraphProperty,
    PCQM4Mv2,
)
from pyg_moleblend.datasets.conformers import add_missing_conformers
from pyg_moleblend.datasets.io.table_columns import check_column
from pyg_moleblend.datasets.io.table_kind import KINDS
from pyg_moleblend.datasets.pcqm4mv2.raw import Part
from pyg_moleblend.runtime.processes import is_first

KNOWN = (
    "'qm9', 'moleculenet:NAME', 'moleculeace:TARGET', 'ogb:NAME', 'pcqm4mv2', a prepared folder or the path of a table "
    f"({KINDS})"
)


def load_data(
    data: str,
    root: str,
    smiles_column: str | None = None,
    targets: Sequence[str] = (),
    max_molecules: int | None = None,
    conformers: int | Conformers = 0,
    seed: int = 0,
    progress: bool = True,
    num_workers: int = 0,
    hydrogens: Hydrogens = Hydrogens.REMOVE,
    censored: bool = False,
) -> MoleculeDataset | MoleculeShards:
    r"""The dataset of a name. What is left out of it is said on stderr.

    Args:
        data: ``qm9``, ``moleculenet:NAME``, ``moleculeace:TARGET``, ``ogb:NAME`` (``ogb:ogbg-molhiv``), ``pcqm4mv2``
            (or one part of it, ``pcqm4mv2:train``), a folder that ``moleblend prepare`` made, or the path of a table.
        root: Folder of the published datasets.
        smiles_column: Column of a table's SMILES.
        targets: Columns of a table's targets.
        max_molecules: Take only so many: QM9's fixed random subset, or the first ones.
        conformers: How many conformers molecules without coordinates are to get, or all their settings (then ``seed``
            is not looked at).
        seed: Seed of the conformers.
        progress: Whether to show progress bars.
        num_workers: Processes that find conformers, at least one: each molecule has a hard deadline.
        hydrogens: Which hydrogens of SMILES and of a table's molecules become atoms.
        censored: Whether a table's targets may be bounds.

    Raises:
        ValueError: If there is no such dataset, or it cannot be had, or an option does not fit it.
    """
    if max_molecules is not None and max_molecules < 1:
        raise ValueError(f"`max_molecules` must be at least 1, got {max_molecules}")
    if isinstance(conformers, int) and conformers < 0:
        raise ValueError(f"`conformers` must not be negative, got {conformers}")
    molecules: MoleculeDataset | MoleculeShards
    name, _, part = data.partition(":")
    try:
        if name == "qm9" and not part:
            molecules = QM9(
                Path(root) / "qm9", max_molecules=max_molecules, progress=progress
            ).subtract_atom_reference()
        elif name == "moleculenet":
            molecules = MoleculeNet(root, part, progress=progress, hydrogens=hydrogens)
        elif name == "moleculeace":
            molecules = MoleculeACE(root, part, progress=progress, hydrogens=hydrogens)
        elif name == "ogb":
            molecules = OGBGraphProperty(root, part, progress=progress)
        elif name == "pcqm4mv2":
            # A part that there is not is refused there.
            molecules = PCQM4Mv2(root, cast(Part, part) or None, num_workers=os.cpu_count() or 1, progress=progress)
        elif Path(data).is_dir():
            molecules = MoleculeShards(data)
        elif Path(data).suffix or Path(data).exists():
            molecules = MoleculeTable(
                data,
                smiles_column,
                targets,
                on_error="skip",
                hydrogens=hydrogens,
                progress=progress,
                censored=censored,
            )
        else:
            raise ValueError(f"unknown data {data!r}: expected {KNOWN}")
    except RuntimeError as error:  # a download that failed
        raise ValueError(str(error)) from error
    if smiles_column is not None and not isinstance(molecules, MoleculeTable):
        raise ValueError(
            f"--smiles-column is of a table, and {data!r} is none: leave --smiles-column {smiles_column} out"
        )
    if censored and not isinstance(molecules, MoleculeTable):
        raise ValueError(f"--censored is of a table, and {data!r} is none: leave it out")
    if molecules.failures:
        first = molecules.failures[0]
        say(
            f"{len(molecules.failures)} rows of {data} are no molecule and left out, the first being row {first.row}: "
            f"{first.reason}"
        )
    if not len(molecules):
        raise ValueError(f"{data} holds no molecule")
    if max_molecules is not None and len(molecules) > max_molecules:
        molecules = molecules[:max_molecules]
    if conformers and isinstance(molecules, MoleculeShards):
        raise ValueError(
            f"{data} is prepared already: give its molecules conformers with `moleblend prepare --conformers`"
        )
    if conformers:
        found = add_missing_conformers(
            molecules, seed, progress=progress, conformers=conformers, num_workers=max(num_workers, 1)
        )
        molecules = found.molecules
        count = conformers if isinstance(conformers, int) else conformers.count
        what = "a conformer" if count == 1 else f"up to {count} conformers"
        say(f"{found.num_added} molecules were given {what}; {len(found.failures)} have none and stay 2D")
    return molecules


def column_of(molecules: Any, column: str, what: str) -> pd.Series:
    r"""A column of a table, a cell for each molecule.

    Args:
        molecules: The molecules.
        column: The column.
        what: What wants it, for the error.

    Raises:
        ValueError: If the molecules are of no table, or it has no such column.
    """
    if not isinstance(molecules, MoleculeTable):
        raise ValueError(f"{what} is of a table, and these molecules come from none")
    check_column(list(molecules.frame.columns), column)
    return molecules.frame[column].iloc[molecules.row.tolist()]


def names_of(targets: list[str] | str | None) -> list[str] | None:
    r"""Targets as a list, from a list or from ``a,b,c``, where a name that holds a comma stands in quotes.

    Raises:
        ValueError: If one is named twice.
    """
    names = targets
    if isinstance(targets, str):
        try:
            names = [name.strip() for name in next(csv.reader([targets], skipinitialspace=True), [""])]
        except csv.Error as error:
            raise ValueError(f"{targets!r} cannot be read as names with commas between them: {error}") from error
    if names is not None and (twice := sorted({name for name in names if names.count(name) > 1})):
        raise ValueError(f"each name can be given once, got {twice} more often in {targets!r}")
    return cast("list[str] | None", names)


def say(text: str) -> None:
    r"""Says something that is no result, once, however many processes there are."""
    if is_first():
        print(text, file=sys.stderr)


def tell(result: object) -> None:
    r"""Prints a result, once, however many processes there are."""
    if is_first():
        print(result)


def write_page(run: Path) -> None:
    r"""Writes the page of a run that has ended, which nothing of the run depends on."""
    from pyg_moleblend.reports import write_report

    if not is_first():
        return
    try:
        say(f"a page in {write_report(run)}")
    except Exception as error:  # hours of training are not lost for a figure
        say(f"the page of the run could not be written ({type(error).__name__}: {error}); moleblend report {run}")
