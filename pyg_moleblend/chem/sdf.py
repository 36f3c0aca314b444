r"""SD and mol2 files, record by record, with the bad records reported in their place."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rdkit import Chem

from pyg_moleblend.chem.errors import MoleculeError
from pyg_moleblend.chem.hydrogens import Hydrogens
from pyg_moleblend.chem.parse import parse_mol2, parse_molblock
from pyg_moleblend.runtime.open_file import LONGEST, TooLongError, damage_named, open_text

_END = "$$$$"
_MOL2 = "@<TRIPOS>MOLECULE"
_MOLBLOCK_END = re.compile(r"^M  END", re.MULTILINE)


def read_sdf(
    path: str | os.PathLike[str], hydrogens: Hydrogens | str = Hydrogens.REMOVE
) -> Iterator[tuple[int, Chem.Mol | MoleculeError]]:
    r"""Molecules of an SD file, with their properties (``mol.GetPropsAsDict()``) and coordinates.

    The file is cut at its ``$$$$`` lines before RDKit sees it, so a broken record cannot take others with it.
    A record that cannot be read comes as the error that says why: nothing is skipped.

    Args:
        path: The file, compressed or not. Text that is not UTF-8 is kept as backslash escapes.
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)

    Yields:
        The index of the record in the file, from 0, and its molecule or its error.

    Raises:
        MoleculeError: If the file holds no record at all.
        ValueError: If it is damaged.
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
    r"""Records of an SD file as text, decompressed; what is not UTF-8 is kept as backslash escapes.

    Raises:
        ValueError: If the file is damaged.
        FileNotFoundError: If there is no such file.
    """
    with damage_named(Path(path)), open_text(Path(path)) as file:
        yield from cut_records(file)


def mol2_records(path: str | os.PathLike[str]) -> Iterator[str]:
    r"""Records of a mol2 file as text, as :func:`sdf_records` gives those of an SD file; what stands before the first
    is left out."""
    with damage_named(Path(path)), open_text(Path(path)) as file:
        lines: list[str] = []
        size = 0
        for line in file:
            if line.startswith(_MOL2):
                if lines:
                    yield "".join(lines)
                lines, size = [line], len(line)
            elif lines:
                lines.append(line)
                size = _grown(size, line)
        if lines:
            yield "".join(lines)


def cut_records(file: IO[str]) -> Iterator[str]:
    r"""The records of an open SD file as text, cut at its ``$$$$`` lines."""
    lines: list[str] = []
    size = 0
    for line in file:
        lines.append(line)
        size = _grown(size, line)
        if line.startswith(_END):
            yield "".join(lines)
            lines, size = [], 0
    # What follows the last delimiter is a record that was cut off, unless it is blank.
    if any(line.strip() for line in lines):
        yield "".join(lines)


def _grown(size: int, line: str) -> int:
    r"""Characters of a record with one more line."""
    if size + len(line) > LONGEST:
        raise TooLongError(f"a record has more than {LONGEST} characters")
    return size + len(line)


def parse_record(record: str, hydrogens: Hydrogens | str, name: str) -> Chem.Mol | MoleculeError:
    r"""Molecule of one record of an SD or mol2 file, with its properties and coordinates, or the error that says why
    there is none.

    Args:
        record: The text.
        hydrogens: Which hydrogens become atoms.
        name: What to call the record in the error.
    """
    try:
        if record.startswith(_MOL2):
            return parse_mol2(record, hydrogens)
        if (count := len(_MOLBLOCK_END.findall(record))) > 1:  # RDKit would read the first, without a word
            return MoleculeError(name, f"it holds {count} molecules", f"put a line {_END} between them")
        return parse_molblock(record, hydrogens)
    except MoleculeError as error:
        return MoleculeError(name, error.reason, "correct the record or leave it out")


def record_fields(record: str) -> dict[str, str]:
    r"""Properties of a record as they are written, and its title as ``_Name``, without a look at the molecule."""
    lines = record.split("\n")
    if record.startswith(_MOL2):
        return {"_Name": lines[1].strip() if len(lines) > 1 else ""}
    fields = {"_Name": lines[0].strip()}
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
