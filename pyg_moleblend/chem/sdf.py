r"""SD files, record by record, with the bad records reported in their place."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rdkit import Chem

from pyg_moleblend.chem.errors import MoleculeError
from pyg_moleblend.chem.hydrogens import Hydrogens
from pyg_moleblend.chem.parse import parse_molblock

_END = "$$$$"


def read_sdf(
    path: str | os.PathLike[str], hydrogens: Hydrogens | str = Hydrogens.REMOVE
) -> Iterator[tuple[int, Chem.Mol | MoleculeError]]:
    r"""Molecules of an SD file, with their properties (``mol.GetPropsAsDict()``) and coordinates.

    The file is cut at its ``$$$$`` lines before RDKit sees it, so a broken record cannot take others with it.
    A record that cannot be read comes as the error that says why: nothing is skipped.

    Args:
        path: The file; ``.gz`` is decompressed. Text that is not UTF-8 is kept as backslash escapes.
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)

    Yields:
        The index of the record in the file, from 0, and its molecule or its error.

    Raises:
        MoleculeError: If the file holds no record at all.
        FileNotFoundError: If there is no such file.
    """
    hydrogens = Hydrogens(hydrogens)
    path = Path(path)
    index = -1
    for index, record in enumerate(sdf_records(path)):
        yield index, parse_record(record, hydrogens, f"record {index} of {path.name}")
    if index < 0:
        raise MoleculeError(str(path), "the SD file holds no record", "check that it was written completely")


def sdf_records(path: str | os.PathLike[str]) -> Iterator[str]:
    r"""Records of an SD file as text; ``.gz`` is decompressed, what is not UTF-8 is kept as backslash escapes.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    with _open(Path(path)) as file:
        yield from cut_records(file)


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="backslashreplace")
    return path.open(encoding="utf-8-sig", errors="backslashreplace")


def cut_records(file: IO[str]) -> Iterator[str]:
    r"""The records of an open SD file as text, cut at its ``$$$$`` lines."""
    lines: list[str] = []
    for line in file:
        lines.append(line)
        if line.startswith(_END):
            yield "".join(lines)
            lines = []
    # What follows the last delimiter is a record that was cut off, unless it is blank.
    if any(line.strip() for line in lines):
        yield "".join(lines)


def parse_record(record: str, hydrogens: Hydrogens | str, name: str) -> Chem.Mol | MoleculeError:
    r"""Molecule of one record, with its properties and coordinates, or the error that says why there is none.

    Args:
        record: The text.
        hydrogens: Which hydrogens become atoms.
        name: What to call the record in the error.
    """
    try:
        return parse_molblock(record, hydrogens)
    except MoleculeError as error:
        return MoleculeError(name, error.reason, "correct the record or leave it out")


def record_fields(record: str) -> dict[str, str]:
    r"""Properties of a record as they are written, and its title as ``_Name``, without a look at the molecule."""
    lines = record.splitlines()
    fields = {"_Name": lines[0].strip() if lines else ""}
    name: str | None = None
    for line in lines:
        if line.startswith(">") and "<" in line and ">" in line[1:]:
            name = line[line.index("<") + 1 : line.rindex(">")]
            fields[name] = ""
        elif name is not None and line.strip() and not line.startswith(_END):
            fields[name] = f"{fields[name]}\n{line}" if fields[name] else line
        else:
            name = None  # a blank line ends a value
    return fields
