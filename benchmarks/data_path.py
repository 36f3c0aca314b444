r"""How fast SMILES become batches with relations: by chunks, by single molecules, and by the plain baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

import torch
from rdkit import Chem, RDLogger
from torch.utils.data import Dataset
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from benchmarks.baseline import data as plain
from benchmarks.timing import alternate
from pyg_moleblend.chem import FlatGraphs, batch_from_smiles, featurize, from_smiles
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils.flat_batch import split_batch

CHUNK = 512
BATCH_SIZE = 128
r"""Of PyG's loader; the baseline's batches have 32 molecules, as those of the model's steps."""

_PLAIN_BATCH_SIZE = 32


def measure_data_path(smiles: Sequence[str], plain_molecules: int = 320, repeats: int = 5) -> dict[str, Any]:
    r"""Molecules a second on one thread, all ways in turn.

    ``MolFromSmiles`` is the floor. ``ours, chunks`` makes a batch of a chunk of SMILES at once, ``ours, molecules``
    cuts its batches into ``Data``, which PyG's ``DataLoader`` collates again, and ``ours, one by one`` has
    ``from_smiles`` and the transform for each ``Data`` on its own. All give the same numbers.

    Args:
        smiles: SMILES that RDKit can read.
        plain_molecules: As many of them, evenly spread, are given to the baseline, which is slow.
        repeats: Measured rounds.

    Returns:
        Rates, and ratios to the baseline and to the floor.
    """
    RDLogger.DisableLog("rdApp.*")
    chunks = [list(smiles[start : start + CHUNK]) for start in range(0, len(smiles), CHUNK)]
    some = list(smiles[:: max(len(smiles) // plain_molecules, 1)])[:plain_molecules]
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    batches = [batch_from_smiles(chunk) for chunk in chunks]
    add_relations = AddRelations()
    plain_mols = [plain.featurize(text) for text in some]
    plain_relations = [plain.relate(molecule) for molecule in plain_mols]
    runs: dict[str, tuple[Callable[[], object], int]] = {
        "MolFromSmiles": (lambda: [Chem.MolFromSmiles(text) for text in smiles], len(smiles)),
        "ours, chunks": (lambda: [add_relations(batch_from_smiles(chunk)) for chunk in chunks], len(smiles)),
        "ours, molecules": (lambda: list(DataLoader(_ChunkedMolecules(smiles), BATCH_SIZE)), len(smiles)),
        "ours, one by one": (lambda: list(DataLoader(_Molecules(some), BATCH_SIZE)), len(some)),
        "plain": (lambda: _plain_batches(some), len(some)),
        "features of ours, without parsing": (lambda: _featurized(mols), len(smiles)),
        "relations of ours, of a batch": (lambda: [add_relations(batch) for batch in batches], len(smiles)),
        "features of plain": (lambda: [plain.featurize(text) for text in some], len(some)),
        "relations of plain": (lambda: [plain.relate(molecule) for molecule in plain_mols], len(some)),
        "collating of plain": (lambda: _collated(plain_mols, plain_relations), len(some)),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = alternate({name: run for name, (run, _) in runs.items()}, repeats)
    finally:
        torch.set_num_threads(threads)
    rates = {name: runs[name][1] / second for name, second in seconds.items()}
    return {
        "molecules": len(smiles),
        "mean_atoms": mean(mol.GetNumAtoms() for mol in mols),
        "molecules_per_s": rates,
        "ratio": rates["ours, chunks"] / rates["plain"],
        "ratio_molecules": rates["ours, molecules"] / rates["plain"],
        "times_of_MolFromSmiles": rates["MolFromSmiles"] / rates["ours, chunks"],
    }


class _Molecules(Dataset[Data]):
    def __init__(self, smiles: Sequence[str]) -> None:
        self.smiles = smiles
        self.transform = AddRelations()

    def __len__(self) -> int:
        return len(self.smiles)

    def __getitem__(self, position: int) -> Data:
        return self.transform(from_smiles(self.smiles[position]))


class _ChunkedMolecules(_Molecules):
    def __getitems__(self, positions: list[int]) -> list[Data]:
        return split_batch(self.transform(batch_from_smiles([self.smiles[i] for i in positions])))


def _featurized(mols: Sequence[Chem.Mol]) -> list[FlatGraphs]:
    return [featurize(mols[start : start + CHUNK]) for start in range(0, len(mols), CHUNK)]


def _plain_batches(smiles: Sequence[str]) -> list[plain.PlainBatch]:
    molecules = [plain.featurize(text) for text in smiles]
    return _collated(molecules, [plain.relate(molecule) for molecule in molecules])


def _collated(
    molecules: Sequence[plain.PlainMolecule], relations: Sequence[plain.PlainRelations]
) -> list[plain.PlainBatch]:
    starts = range(0, len(molecules), _PLAIN_BATCH_SIZE)
    parts = [slice(start, start + _PLAIN_BATCH_SIZE) for start in starts]
    return [plain.collate(molecules[part], relations[part]) for part in parts]
