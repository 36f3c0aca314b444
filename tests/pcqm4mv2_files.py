r"""Raw files of PCQM4Mv2 as OGB writes them, of few molecules, for tests."""

import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

# Rows 0 to 5 have a structure.
SMILES = [
    "CCO",
    "c1cn[nH]c1",
    "C[C@H](N)C(=O)O",
    "N",
    "O[Si]123O[Si]3(O1)(O2)O",
    "CC(=O)C",
    "CCN",
    "C1CC",
    "CO",
    "F/C=C/F",
]
RECORDS = ["CCO", "c1cn[nH]c1", "C[C@@H](N)C(=O)O", "N", "O", "CC(O)=C"]
GAPS = [3.5, 4.25, 5.0, 6.5, 7.0, 8.0, 1.5, 2.5, np.nan, np.nan]
SPLIT = {"train": range(6), "valid": range(6, 8), "test-dev": range(8, 9), "test-challenge": range(9, 10)}


def record_of(mol: Chem.Mol, seed: int = 0) -> str:
    r"""A record with all hydrogens, its atoms in another order."""
    order = np.random.default_rng(seed).permutation(mol.GetNumAtoms()).tolist()
    return Chem.MolToMolBlock(Chem.RenumberAtoms(mol, order)) + "$$$$\n"


def with_3d(smiles: str) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    return mol


def write_pcqm4mv2(
    folder: Path,
    smiles: Sequence[str] = SMILES,
    gaps: Sequence[float] = GAPS,
    records: Sequence[str] | None = None,
    split: dict[str, range] = SPLIT,
) -> None:
    r"""The table, the split and the archive with the SD file, under OGB's names."""
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "raw" / "data.csv.gz", "wt") as file:
        file.write("idx,smiles,homolumogap\n")
        for row, (text, gap) in enumerate(zip(smiles, gaps, strict=True)):
            file.write(f"{row},{text},{'' if np.isnan(gap) else gap}\n")
    torch.save({part: np.array(rows, dtype=np.int64) for part, rows in split.items()}, folder / "split_dict.pt")
    if records is None:
        records = [record_of(with_3d(text), seed) for seed, text in enumerate(RECORDS)]
    write_records(folder / "pcqm4m-v2-train.sdf.tar.gz", records)


def write_records(path: Path, records: Sequence[str]) -> None:
    content = "".join(records).encode()
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("pcqm4m-v2-train.sdf")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
