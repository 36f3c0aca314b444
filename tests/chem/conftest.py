r"""Molecules for the chemistry tests."""

from pathlib import Path

import pandas as pd
import pytest

VARIED_SMILES = [
    "C",
    "CCO",
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O",
    "N[C@@H](C)C(=O)O",
    "N[C@H](C)C(=O)O",
    "F/C=C/F",
    "F/C=C\\F",
    "C/C=C/C=C\\C",
    "CC(C)=NO",
    "C/C(F)=N\\O",
    "C#N",
    "C#CC#C",
    "C=C=C",
    "[C-]#[O+]",
    "[N-]=[N+]=[N-]",
    "O=[N+]([O-])c1ccccc1",
    "c1ccc2ccccc2c1",
    "c1cc[nH]c1",
    "c1ccoc1",
    "c1ccsc1",
    "C1CC1",
    "C1CCC2(CC1)OCCO2",
    "OC1C2CC3CC(C2)CC1C3",
    "c1ccc2c(c1)Cc1ccccc1-2",
    "C1=CC=CC=CC=C1",
    "[Na+].[Cl-]",
    "CC(=O)[O-].[K+]",
    "CCN(CC)CC.Cl",
    "[NH4+].[OH-]",
    "[H][H]",
    "[H+]",
    "[2H]C",
    "[2H]O[2H]",
    "[13CH4]",
    "[H]/C(F)=C([H])\\C([H])=C(/[H])Br",
    "[CH3]",
    "[CH2]",
    "[O]",
    "[O-2]",
    "[Fe+9]",
    "[CH2-6]",
    "[C+6]",
    "[Og]",
    "[Xe]",
    "[Fe]",
    "*",
    "*CC*",
    "[*:1]c1ccccc1",
    "O->[Mg+2]<-O",
    "[Cl-]->[Rb+]",
    "[Fe]$[Fe]",
    "C~C",
    "F[U](F)(F)(F)(F)F",
    "S(F)(F)(F)(F)(F)F",
    "FP(F)(F)(F)F",
    "F[P-](F)(F)(F)(F)F",
    "B(c1cc[nH]n1)(O)O",
    "C[Si](C)(C)C",
    "C[Se]C",
    "CC(C)(C)[Pt](Cl)(Cl)N",
    "F[Pd](Cl)(Cl1)Cl[Pd]1(Cl)Cl",
    "Cl[Pt@SP1]([35Cl])([36Cl])[37Cl]",
    "Cl[Pt@TB1]([35Cl])([36Cl])([37Cl])[38Cl]",
    "Cl[Th@OH1]([35Cl])([36Cl])([37Cl])([38Cl])[39Cl]",
    "OC(Cl)=[C@]=C(C)F",
    "C[S@](=O)CC",
    "C[P@@](=O)(O)CC",
    "C[C@H]1C[C@H](Cl)CC1",
    "CCCCCCCCC[c-]1c(=N)on[n+]1C",
    "[nH]1c(=O)[nH]c2c1nc[nH]2",
    "O=C1NC(=O)C2=C1C=CC=C2",
    "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
]

_SMILES_COLUMN = {"bace": "mol"}


@pytest.fixture(scope="session")
def varied_smiles() -> list[str]:
    r"""Elements, charges, radicals, rings, stereochemistry, isotopes, salts, dummy atoms, dative bonds."""
    return VARIED_SMILES


@pytest.fixture(scope="session")
def moleculenet_smiles(shared_data: Path) -> dict[str, list[str]]:
    r"""A sample of 150 SMILES of each of the 11 MoleculeNet sets, as they stand in the files."""
    samples = {}
    for path in sorted((shared_data / "moleculenet").glob("*.csv.gz")):
        name = path.name.removesuffix(".csv.gz")
        column = _SMILES_COLUMN.get(name, "smiles")
        samples[name] = pd.read_csv(path, usecols=[column])[column].sample(150, random_state=0).tolist()
    assert len(samples) == 11
    return samples
