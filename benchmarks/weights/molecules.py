r"""The molecules that weights are trained on, with their targets, as shards."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform, Compose

from pyg_moleblend.chem.quantum import CHARGES, PROPERTIES
from pyg_moleblend.datasets.quantum import read_quantum_labels
from pyg_moleblend.datasets.shards.prepare import prepare
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.transforms import AddDescriptors, AddRelations

SHARES = {"qm9": 22_000, "pcqm4mv2": 3_000, "chembl": 58_000, "moses": 12_000}
r"""Most molecules of each source, beside all that have quantum labels."""

WITH_DFT = ("qm9", "pcqm4mv2")
MAX_HEAVY_ATOMS = 50
PARTS = ("train", "valid")


class AddKnown(BaseTransform):
    r"""Attaches a molecule's quantum labels, NaN where there are none.

    Args:
        labels: A file of quantum labels.
    """

    def __init__(self, labels: str) -> None:
        self.labels = labels

    def forward(self, data: Data) -> Data:
        nothing = np.full(len(PROPERTIES), np.nan), np.full((data.num_nodes, len(CHARGES)), np.nan)
        properties, charges = _labels(self.labels).get(data.smiles, nothing)
        data.quantum_properties = torch.tensor(properties, dtype=torch.float32)[None]
        data.quantum_charges = torch.tensor(charges, dtype=torch.float32)
        return data

    def __repr__(self) -> str:
        return f"{type(self).__name__}(labels={self.labels!r})"


class AddPositions(BaseTransform):
    r"""Attaches a molecule's DFT geometry, where there is one.

    Args:
        sources: Files of the corpus with a column ``pos``.
    """

    def __init__(self, sources: tuple[str, ...]) -> None:
        self.sources = sources

    def forward(self, data: Data) -> Data:
        for source in self.sources:
            if (pos := _positions(source).get(data.smiles)) is not None:
                data.pos = torch.tensor(pos, dtype=torch.float32).view(-1, 3)
        return data

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sources={self.sources!r})"


@lru_cache
def _labels(path: str) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    stored = read_quantum_labels(path)
    charges = np.split(stored.charges, np.cumsum(stored.num_atoms)[:-1])
    return dict(zip(stored.smiles, zip(stored.properties, charges, strict=True), strict=True))


@lru_cache
def _positions(path: str) -> dict[str, list[float]]:
    table = pq.read_table(path, columns=["smiles", "pos"])
    rows = zip(table["smiles"].to_pylist(), table["pos"].to_pylist(), strict=True)
    return {smiles: pos for smiles, pos in rows if pos is not None}


def choose(corpus: Path, labels: Path, seed: int = 0) -> tuple[list[str], list[str]]:
    r"""SMILES to train on, shuffled, and those of the corpus to validate on."""
    generator = np.random.default_rng(seed)
    train = list(read_quantum_labels(labels).smiles)
    valid: list[str] = []
    for source, count in SHARES.items():
        table = pq.read_table(corpus / f"{source}.parquet", columns=["smiles", "part", "heavy_atoms"]).to_pandas()
        table = table[(table.heavy_atoms <= MAX_HEAVY_ATOMS) & ~table.smiles.isin(train)]
        valid += table.smiles[table.part == "valid"].tolist()
        others = table.smiles[table.part == "train"].to_numpy()
        train += generator.permutation(others)[:count].tolist()
    held_out = set(valid)
    train = [smiles for smiles in train if smiles not in held_out]
    return generator.permutation(np.array(train, dtype=object)).tolist(), valid


def make_shards(corpus: Path, labels: Path, out: Path, num_workers: int) -> None:
    r"""Writes ``train`` and ``valid``, folders of shards; each goes on where it was interrupted."""
    sources = tuple(str(corpus / f"{name}.parquet") for name in WITH_DFT)
    transform = Compose([AddDescriptors(), AddKnown(str(labels)), AddPositions(sources), AddRelations()])
    out.mkdir(parents=True, exist_ok=True)
    for part, smiles in zip(PARTS, choose(corpus, labels), strict=True):
        table = out / f"{part}.csv"
        if not table.exists():
            with atomic_write(table, "w") as file:
                pd.DataFrame({"smiles": smiles}).to_csv(file, index=False)
        prepare(table, out / part, num_workers=num_workers, shard_size=8192, progress=True, transform=transform)
