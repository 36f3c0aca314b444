from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import samples
import torch
from quick_molecules import IS_RING, SIZE, SMILES
from sklearn.metrics import mean_squared_error
from torch_geometric.data import Batch

from benchmarks.quick_models import Frozen, Quick, frozen_vectors, scores
from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.models import MoleBlend
from pyg_moleblend.splits import Split, random_split


@pytest.fixture(scope="module")
def molecules() -> MoleculeTable:
    return MoleculeTable(pd.DataFrame({"smiles": SMILES, "size": SIZE.astype(float)}), targets=["size"])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    return str(save_pretrained(MoleBlend(samples.tiny_config()), tmp_path_factory.mktemp("encoder")))


@pytest.fixture
def split(molecules: MoleculeTable) -> Split:
    return random_split(molecules, (0.7, 0.1, 0.2), seed=0)


def test_vectors_are_of_the_token_and_of_the_atoms(molecules: MoleculeTable, source: str):
    vectors = frozen_vectors(source, molecules)
    with torch.no_grad():
        output = from_pretrained(source)(Batch.from_data_list([molecules[7]]))
    expected = torch.cat([output.graph[0], output.atoms.mean(0), output.atoms.sum(0) / 10])
    assert np.allclose(vectors["embedding"][7], expected, atol=1e-5)
    assert vectors["environments"].shape == (len(molecules), 1024)  # of the one layer before the last


@pytest.mark.parametrize("model", ["quick", "quick with vectors", "frozen"])
def test_a_model_learns_from_the_training_molecules_alone(
    model: str, molecules: MoleculeTable, split: Split, source: str, tmp_path: Path
):
    made = {"quick": Quick(), "quick with vectors": Quick(source), "frozen": Frozen(source)}[model]
    found = made.measure(molecules, split, "rmse", 0, tmp_path)
    spread = SIZE[split.test.numpy()].std()
    assert found["value"] < 0.5 * spread
    assert found["valid_value"] < 0.5 * spread
    other = molecules.y.clone()
    other[split.test] = 0.0  # labels of the test molecules are for the score alone
    blind = made.measure(molecules.with_y(other), split, "rmse", 0, tmp_path)
    assert blind["valid_value"] == pytest.approx(found["valid_value"], rel=1e-6)
    assert made.to_dict()["weights"] is None or len(made.to_dict()["weights"]) == 16


def test_a_molecule_that_rdkit_cannot_read_gets_the_mean_of_the_training(split: Split, tmp_path: Path):
    lost = int(split.test[0])
    smiles = [text if place != lost else "c1ccccc1(" for place, text in enumerate(SMILES)]
    labels = torch.tensor(SIZE, dtype=torch.float64)[:, None]
    labels[lost] = labels[split.train].mean()  # then its error is 0
    found = Quick(members=("gp",)).measure(SimpleNamespace(smiles=smiles, y=labels), split, "mae", 0, tmp_path)
    rest = Split("rest", split.train, split.valid, split.test[1:])
    others = Quick(members=("gp",)).measure(SimpleNamespace(smiles=smiles, y=labels), rest, "mae", 0, tmp_path)
    assert found["molecules_without_features"] == 1
    assert found["value"] * len(split.test) == pytest.approx(others["value"] * len(rest.test))


def test_cliffs_are_scored_where_they_are_marked(molecules: MoleculeTable, split: Split):
    molecules.cliff = torch.from_numpy(IS_RING)
    try:
        test = split.test.numpy()
        predictions = np.arange(len(split.valid) + len(test), dtype=float)[:, None]
        found = scores(molecules, split, "rmse", predictions)
    finally:
        del molecules.cliff
    tested, rings = predictions[len(split.valid) :, 0], IS_RING[test]
    assert found["value"] == pytest.approx(mean_squared_error(SIZE[test], tested) ** 0.5)
    assert found["cliff_value"] == pytest.approx(mean_squared_error(SIZE[test][rings], tested[rings]) ** 0.5)


def test_without_validation_molecules_there_is_no_such_value(molecules: MoleculeTable, split: Split):
    whole = Split("whole", torch.cat([split.train, split.valid]), split.valid[:0], split.test)
    assert scores(molecules, whole, "rmse", np.zeros((len(split.test), 1)))["valid_value"] is None
