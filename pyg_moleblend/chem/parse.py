r"""Text to RDKit molecule, with the reason where that fails."""

import re
import string
from collections.abc import Sequence
from typing import Any, cast

from rdkit import Chem

from pyg_moleblend.chem.errors import MoleculeError
from pyg_moleblend.chem.hydrogens import Hydrogens, apply_hydrogens
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, ErrorLog, reason_from_log

# Spreadsheets put byte-order marks, carriage returns and no-break or zero-width spaces around a cell.
_MARGIN = string.whitespace + "\ufeff\u00a0\u200b"
# Two arrows' heads that are not those of dative bonds, "->".
_REACTION = re.compile(r"(?<!-)>[^\s|]*(?<!-)>")
_ATOM = re.compile(r"\[[^]]*\]|Cl|Br|[BCNOPSFIbcnops*]")
_CORRECT_SMILES = "correct the SMILES or leave the molecule out"
_CORRECT_MOLBLOCK = "correct the molblock or leave the molecule out"
_CORRECT_MOL2 = "correct the record or leave it out"

_WITH_HYDROGENS: Any = Chem.SmilesParserParams()
_WITH_HYDROGENS.removeHs = False


def parse_smiles(smiles: str, hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Chem.Mol:
    r"""RDKit molecule of a SMILES.

    Whitespace and byte-order marks around it are ignored, CXSMILES extensions are read, and a name after the
    SMILES becomes the molecule's ``_Name``. RDKit's error log stays silent: its message is in the error.

    Args:
        smiles: The SMILES, ``"CCO"``, ``"CCO ethanol"`` or with extensions.
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)

    Returns:
        A sanitized molecule with at least one atom.

    Raises:
        MoleculeError: If it is not a string, is empty, is a reaction, or RDKit cannot read it.
    """
    hydrogens = Hydrogens(hydrogens)
    text = _text_of(smiles, "SMILES")
    if not text.isascii() and not text.split()[0].isascii():  # RDKit stops reading there, without a word
        raise MoleculeError(smiles, "it has characters that are not ASCII", _CORRECT_SMILES)
    with LOG_LOCK, ErrorLog() as log:
        try:
            mol = _read(text, hydrogens)
        except (RuntimeError, ValueError) as error:
            raise MoleculeError(smiles, f"RDKit failed: {error}", _CORRECT_SMILES) from error
    if mol is None:
        if _REACTION.search(text):
            raise MoleculeError(smiles, "it is a reaction", "give one molecule")
        raise MoleculeError(smiles, reason_from_log(log.messages), _CORRECT_SMILES)
    return _finished(mol, smiles, hydrogens, _CORRECT_SMILES)


def parse_each(smiles: Sequence[str], hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> list[Chem.Mol | MoleculeError]:
    r"""What :func:`parse_smiles` returns or raises for each of many, but faster: RDKit's log is redirected once.

    Args:
        smiles: M SMILES.
        hydrogens: Which hydrogens become atoms.

    Returns:
        M molecules, or the reasons why there is none.
    """
    hydrogens = Hydrogens(hydrogens)
    with LOG_LOCK, ErrorLog():
        found: list[Chem.Mol | MoleculeError | None] = [_read_plain(text, hydrogens) for text in smiles]
    for number, mol in enumerate(found):
        if mol is None:  # read it again, alone: the log tells no more than one molecule's reason
            try:
                found[number] = parse_smiles(smiles[number], hydrogens)
            except MoleculeError as error:
                found[number] = error
    return cast(list[Chem.Mol | MoleculeError], found)


def parse_molblock(molblock: str, hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Chem.Mol:
    r"""RDKit molecule of a molblock (V2000 or V3000), with its coordinates.

    Args:
        molblock: The text of a mol file, or of one record of an SD file, whose properties are kept.
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)

    Returns:
        A sanitized molecule with at least one atom.

    Raises:
        MoleculeError: If it is not a string, is empty, or RDKit cannot read it.
    """
    hydrogens = Hydrogens(hydrogens)
    _text_of(molblock, "molblock")
    # MolFromMolBlock is the same parser, but it writes its reasons to the log of warnings.
    supplier = Chem.SDMolSupplier()
    with LOG_LOCK, ErrorLog() as log:
        try:
            # The lines of the header may be blank and must stay.
            supplier.SetData(molblock.lstrip("\ufeff"), removeHs=hydrogens is Hydrogens.REMOVE)
            records = len(supplier)
            mol = supplier[0] if records == 1 else None
        except (RuntimeError, ValueError) as error:
            raise MoleculeError(molblock, f"RDKit failed: {error}", _CORRECT_MOLBLOCK) from error
    if records != 1:
        raise MoleculeError(
            molblock,
            f"expected one molblock, got {records}",
            "read SD files with pyg_moleblend.chem.read_sdf",
        )
    if mol is None:
        raise MoleculeError(molblock, reason_from_log(log.messages), _CORRECT_MOLBLOCK)
    return _finished(mol, molblock, hydrogens, _CORRECT_MOLBLOCK)


def parse_mol2(record: str, hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Chem.Mol:
    r"""RDKit molecule of a record of a mol2 file, with its coordinates.

    Args:
        record: The text, from its line ``@<TRIPOS>MOLECULE`` on.
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)

    Returns:
        A sanitized molecule with at least one atom.

    Raises:
        MoleculeError: If it is not a string, is empty, RDKit cannot read it, or atoms lack their hydrogens, which a
            mol2 file has to name.
    """
    hydrogens = Hydrogens(hydrogens)
    _text_of(record, "mol2 record")
    with LOG_LOCK, ErrorLog() as log:
        try:
            mol = Chem.MolFromMol2Block(record, removeHs=hydrogens is Hydrogens.REMOVE)
        except (RuntimeError, ValueError) as error:
            raise MoleculeError(record, f"RDKit failed: {error}", _CORRECT_MOL2) from error
    if mol is None:
        raise MoleculeError(
            record, reason_from_log(log.messages).strip("*\n ") or "RDKit cannot read it", _CORRECT_MOL2
        )
    if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
        raise MoleculeError(record, "atoms lack hydrogens, which a mol2 file has to name", "add them to the record")
    return _finished(mol, record, hydrogens, _CORRECT_MOL2)


def atoms_of_text(smiles: str) -> int:
    r"""How many atoms a SMILES writes, found without reading it: of a very long one that takes RDKit minutes."""
    return len(_ATOM.findall(smiles.split(maxsplit=1)[0])) if smiles.strip() else 0


def given_smiles(smiles: str, mol: Chem.Mol) -> str:
    r"""A SMILES as it was given to :func:`parse_smiles`, less its margin and the molecule's name."""
    text = smiles.strip(_MARGIN)
    name = mol.GetProp("_Name") if mol.HasProp("_Name") else ""
    return text[: -len(name)].rstrip() if name and text.endswith(name) else text


def _read(text: str, hydrogens: Hydrogens) -> Chem.Mol | None:
    # The two-argument form only where it is needed: OGB's own call is the plain one.
    return Chem.MolFromSmiles(text) if hydrogens is Hydrogens.REMOVE else Chem.MolFromSmiles(text, _WITH_HYDROGENS)


def _read_plain(smiles: object, hydrogens: Hydrogens) -> Chem.Mol | None:
    r"""The molecule of a SMILES that has nothing unusual about it; None is for :func:`parse_smiles` to look into."""
    if not isinstance(smiles, str) or not smiles.isascii() or not (text := smiles.strip(_MARGIN)):
        return None
    try:
        mol = _read(text, hydrogens)
    except (RuntimeError, ValueError):
        return None
    if mol is None or mol.GetNumAtoms() == 0:
        return None
    return apply_hydrogens(mol, hydrogens) if hydrogens is Hydrogens.ADD else mol


def _finished(mol: Chem.Mol, text: str, hydrogens: Hydrogens, remedy: str) -> Chem.Mol:
    if mol.GetNumAtoms() == 0:
        raise MoleculeError(text, "it has no atoms", remedy)
    # The parser removes hydrogens itself, or keeps them; it does not add any.
    return apply_hydrogens(mol, hydrogens) if hydrogens is Hydrogens.ADD else mol


def _text_of(value: object, kind: str) -> str:
    if not isinstance(value, str):
        missing = value is None or value != value  # NaN, a table's empty cell
        reason = "the value is missing" if missing else f"expected a string, got {type(value).__name__}"
        raise MoleculeError("" if missing else repr(value), reason, f"give a {kind} string")
    text = value.strip(_MARGIN)
    if not text:
        raise MoleculeError(value, f"the {kind} is empty", f"give a {kind}, or leave the row out")
    return text
