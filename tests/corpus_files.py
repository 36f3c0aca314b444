r"""A folder of small published datasets, for tests of the pretraining corpus."""

import gzip
from collections.abc import Sequence
from pathlib import Path

from pyg_moleblend.datasets.moleculeace import TARGETS

# Alcohols, amines and nitriles, each of another skeleton: names of molecules that tests can count.
ALCOHOLS = ["C" * n + "O" for n in range(1, 61)]
AMINES = ["C" * n + "N" for n in range(1, 61)]
NITRILES = ["C" * n + "C#N" for n in range(1, 31)]


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_text(text)
    return path


def write_moses(root: Path, smiles: Sequence[str] = ALCOHOLS) -> Path:
    write_text(root / "moses" / "test.csv.gz", "SMILES\nCCCCCCCCS\n")
    return write_text(root / "moses" / "train.csv.gz", "\n".join(["SMILES", *smiles, ""]))


def write_chembl(root: Path, first: Sequence[str] = AMINES, second: Sequence[str] = NITRILES) -> list[Path]:
    return [
        write_text(root / "chembl" / "a.smi", "\n".join([*first, ""])),
        write_text(root / "chembl" / "b.smi.gz", "\n".join(f"{smiles} name" for smiles in second)),
    ]


def write_benchmarks(root: Path, esol: Sequence[str] = (), ogb: Sequence[str] = (), ace: Sequence[str] = ()) -> None:
    r"""ESOL where PyG has it, FreeSolv beside other sets of MoleculeNet, one of OGB, and MoleculeACE."""
    rows = "\n".join(f"name,{smiles}" for smiles in ["C[Si](C)(C)C", *esol])
    write_text(root / "esol" / "raw" / "delaney-processed.csv", f"id,smiles\n\n{rows}\n")
    write_text(root / "moleculenet" / "SAMPL.csv.gz", "iupac,smiles\n,CS\n,no molecule\n")
    mapping = "\n".join(f"1,{smiles},x" for smiles in ["CS", *ogb])
    write_text(root / "ogb" / "ogbg_molesol" / "mapping" / "mol.csv.gz", f"y,smiles,mol_id\n{mapping}\n")
    for number, target in enumerate(TARGETS):
        rows = "\n".join(f"{smiles},1,0,0,train" for smiles in ["CF", *ace[number : number + 1]])
        head = "smiles,exp_mean [nM],y,cliff_mol,split"
        write_text(root / "moleculeace" / "raw" / f"{target}.csv", f"{head}\n{rows}\n")


WRITTEN = ("esol", "freesolv", "ogbg-molesol", "moleculeace")
r"""The benchmarks that :func:`write_benchmarks` writes."""
