r"""QM9's published file formats, written from a few molecules."""

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom

SMILES = ("C", "N", "O", "C#C", "C#N", "C=O", "CC(N)=O", "C1CC1", "OC=N", "CC(O)C#N", "c1cc[nH]c1", "NC(=O)F")
RAW_COLUMNS = "mol_id A B C mu alpha homo lumo gap r2 zpve u0 u298 h298 g298 cv u0_atom u298_atom h298_atom g298_atom"
PACKAGE_COLUMNS = (
    "XYZ_file Index SMILES Elements XYZ_Ang Dipole_debye Polarizability_bohr3 HOMO_au LUMO_au HOMO_LUMO_gap_au "
    "R2_bohr2 ZPVE_au InternalEnergy_0K_au InternalEnergy_298K_au Enthalphy_298K_au GibbsFreeEnergy_298K_au "
    "Heatcapacity_Cv_cal_mol_K"
)


class QM9Molecule(NamedTuple):
    r"""A molecule of QM9: its number, SMILES, structure with hydrogens, and 12 targets in the files' units."""

    number: int
    smiles: str
    mol: Chem.Mol
    values: NDArray[np.float64]

    @property
    def z(self) -> list[int]:
        return [atom.GetAtomicNum() for atom in self.mol.GetAtoms()]

    @property
    def pos(self) -> NDArray[np.float64]:
        return np.asarray(self.mol.GetConformer().GetPositions())


@cache
def qm9_molecules() -> list[QM9Molecule]:
    rng = np.random.default_rng(0)
    molecules = []
    for number, smiles in enumerate(SMILES, start=1):
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        assert rdDistGeom.EmbedMolecule(mol, randomSeed=7) == 0
        molecules.append(QM9Molecule(number, smiles, mol, rng.normal(-100, 50, 12).round(6)))
    return molecules


def write_package(folder: Path, molecules: Sequence[QM9Molecule]) -> list[Path]:
    r"""The three CSV files of the package qm9pack."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"qm9_part{part}.csv" for part in (1, 2, 3)]
    for path, part in zip(paths, np.array_split(np.arange(len(molecules)), 3), strict=True):
        with path.open("w", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
            file.write(",".join(PACKAGE_COLUMNS.split()) + "\n")
            for molecule in (molecules[i] for i in part):
                symbols = ",".join(f"'{atom.GetSymbol()}'" for atom in molecule.mol.GetAtoms())
                lines = ",".join(f"[{x:.10f},{y:.10f},{z:.10f}]" for x, y, z in molecule.pos)
                name = f"dsgdb9nsd_{molecule.number:06d}.xyz"
                cells = [name, molecule.number, molecule.smiles, f"[{symbols}]", f"[{lines}]"]
                writer.writerow([*cells, *molecule.values.tolist()])
    return paths


def write_raw(folder: Path, molecules: Sequence[QM9Molecule], uncharacterized: Sequence[int] = ()) -> Path:
    r"""PyG's raw files; the coordinates have four decimals."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "gdb9.sdf").open("w") as file:
        for molecule in molecules:
            mol = Chem.Mol(molecule.mol)
            mol.SetProp("_Name", f"gdb_{molecule.number}")
            file.write(Chem.MolToMolBlock(mol, includeStereo=False) + "$$$$\n")
    with (folder / "gdb9.sdf.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(RAW_COLUMNS.split())
        for molecule in molecules:
            writer.writerow([f"gdb_{molecule.number}", 1.0, 2.0, 3.0, *molecule.values.tolist(), 0.0, 0.0, 0.0, 0.0])
    header = ["    =====", " text", "", "3 lines more", "", "1", "", "   Index  SMILES1  SMILES2", "    ====="]
    lines = [f"    {number:6d}   C   C   0.1   0.2" for number in uncharacterized]
    (folder / "uncharacterized.txt").write_text("\n".join([*header, *lines, f"  {len(lines)} compounds", ""]))
    return folder
