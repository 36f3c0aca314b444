r"""What a row of a table holds, and how it becomes a molecule, here or in another process."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem import Hydrogens, MoleculeError, apply_hydrogens, parse_smiles
from pyg_moleblend.chem.parse import given_smiles
from pyg_moleblend.chem.sdf import parse_record


class PackedMol(NamedTuple):
    r"""A molecule on its way to another process.

    RDKit's own pickles drop properties and round coordinates; this does not.
    """

    binary: bytes

    @classmethod
    def of(cls, mol: Chem.Mol) -> "PackedMol":
        r"""Packs a molecule; a :class:`MoleculeError` if it is not sanitized, which a copy would not tell."""
        _check(mol)
        options = Chem.PropertyPickleOptions
        return cls(mol.ToBinary(int(options.AllProps) | int(options.CoordsAsDouble)))

    def mol(self) -> Chem.Mol:
        r"""The molecule again."""
        make: Any = Chem.Mol  # RDKit's stubs say `str`
        return make(self.binary)


class SdfRecord(NamedTuple):
    r"""A record of an SD file that nobody has looked at.

    Attributes:
        name: What reports call it.
        text: The record.
    """

    name: str
    text: str


Entry = str | Chem.Mol | PackedMol | SdfRecord | MoleculeError | None
r"""What a row holds: a SMILES, a molecule, a record that may be one, why there is none, or nothing."""


class Rows(NamedTuple):
    r"""Some consecutive rows of a table.

    Attributes:
        entries: What the molecules are made of, one a row: SMILES, say.
        columns: What the molecules are to have besides, ``y`` say, one row a row: ``[rows, ...]``.
        ids: Identifiers of the rows.
    """

    entries: Sequence[Any]
    columns: Mapping[str, NDArray[Any]] = {}
    ids: Sequence[str] | None = None

    def cut(self, start: int, stop: int) -> "Rows":
        r"""Some of these rows."""
        columns = {name: values[start:stop] for name, values in self.columns.items()}
        return Rows(self.entries[start:stop], columns, None if self.ids is None else self.ids[start:stop])


def pack_entries(entries: Sequence[Entry]) -> list[Entry]:
    r"""The same entries, fit to be sent to another process."""
    packed: list[Entry] = []
    for entry in entries:
        try:
            packed.append(PackedMol.of(entry) if isinstance(entry, Chem.Mol) else entry)
        except MoleculeError as error:
            packed.append(error)
    return packed


def read_entry(entry: Entry, hydrogens: Hydrogens | str) -> tuple[Chem.Mol, str | None]:
    r"""The molecule of an entry, and the SMILES that it was given as, if it was.

    Raises:
        MoleculeError: If it is none.
    """
    if isinstance(entry, SdfRecord):
        entry = parse_record(entry.text, hydrogens, entry.name)
    if isinstance(entry, MoleculeError):
        raise entry
    if isinstance(entry, PackedMol):
        entry = entry.mol()
    if isinstance(entry, Chem.Mol):
        _check(entry)
        return apply_hydrogens(entry, hydrogens), None
    text = cast(str, entry)  # what is none, parse_smiles refuses with a reason
    mol = parse_smiles(text, hydrogens)
    return mol, given_smiles(text, mol)


def describe_entry(entry: Entry) -> str:
    r"""What a report calls an entry that cannot be used."""
    if isinstance(entry, MoleculeError):
        return entry.input
    if isinstance(entry, SdfRecord):
        return entry.name
    if isinstance(entry, PackedMol):
        entry = entry.mol()
    if isinstance(entry, Chem.Mol):
        name = entry.GetProp("_Name") if entry.HasProp("_Name") else ""
        return name or f"molecule with {entry.GetNumAtoms()} atoms"
    return "" if entry is None else str(entry)


def _check(mol: Chem.Mol) -> None:
    if mol.NeedsUpdatePropertyCache():
        raise MoleculeError(describe_entry(mol), "it is not sanitized", "call rdkit.Chem.SanitizeMol on it first")
