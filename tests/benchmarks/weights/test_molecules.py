from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.transforms import Compose

from benchmarks.weights.__main__ import LABELS
from benchmarks.weights.molecules import SHARES, AddKnown, AddPositions, choose, make_shards
from benchmarks.weights.recipe import model_to_train
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets import MoleculeShards
from pyg_moleblend.datasets.quantum import StoredLabels, read_quantum_labels
from pyg_moleblend.loader import molecule_loader

SMILES = {"qm9": ["CCO", "CC=O", "CCN"], "pcqm4mv2": ["CCCl"], "chembl": ["CCBr", "CCS", "CCI"], "moses": ["CCF"]}


@pytest.fixture(scope="module")
def labels() -> StoredLabels:
    return read_quantum_labels(LABELS)


@pytest.fixture
def corpus(tmp_path: Path, labels: StoredLabels) -> Path:
    r"""Small files of the corpus; one molecule of ChEMBL has labels already, the last of each source validates."""
    for source in SHARES:
        smiles = [*SMILES[source], *([labels.smiles[0]] if source == "chembl" else [])]
        table = pd.DataFrame({"smiles": smiles, "part": "train", "heavy_atoms": 3})
        table.loc[len(SMILES[source]) - 1, "part"] = "valid"
        if source in ("qm9", "pcqm4mv2"):
            table["pos"] = [np.arange(9, dtype=np.float32) + number for number in range(len(table))]
        table.to_parquet(tmp_path / f"{source}.parquet")
    return tmp_path


def test_each_molecule_is_chosen_once(corpus: Path, labels: StoredLabels):
    train, valid = choose(corpus, LABELS)
    assert sorted(train) == sorted([*labels.smiles, "CCO", "CC=O", "CCBr", "CCS"])
    assert valid == ["CCN", "CCCl", "CCI", "CCF"]
    assert choose(corpus, LABELS) == (train, valid)


def test_what_is_known_is_joined_by_smiles(corpus: Path, labels: StoredLabels):
    add = Compose([AddKnown(str(LABELS)), AddPositions((str(corpus / "qm9.parquet"),))])
    number = 7
    atoms = slice(*labels.num_atoms.cumsum()[number - 1 : number + 1])
    known = add(from_smiles(labels.smiles[number]))
    assert known.quantum_properties.tolist() == [labels.properties[number].tolist()]
    assert known.quantum_charges.tolist() == labels.charges[atoms].tolist()
    assert known.pos.isnan().all()
    placed = add(from_smiles("CC=O"))
    assert placed.pos.flatten().tolist() == list(range(1, 10))
    assert placed.quantum_properties.isnan().all()
    assert placed.quantum_charges.shape == (3, 2)


def test_shards_are_what_the_recipe_learns_from(corpus: Path, monkeypatch: pytest.MonkeyPatch):
    table = corpus / "train.csv"
    table.write_text("smiles\nCCO\nCCBr\n")  # not all of the labelled
    make_shards(corpus, LABELS, corpus, num_workers=0)
    molecules = MoleculeShards(corpus / "train")
    assert molecules.smiles == ["CCO", "CCBr"]
    assert molecules.has_pos.tolist() == [True, False]
    torch.manual_seed(0)
    step = model_to_train("moleblend-tiny").step(next(iter(molecule_loader(molecules, 2))))
    assert step.losses.keys() == model_to_train("moleblend-tiny").objectives.keys()
    assert step.loss.isfinite()
