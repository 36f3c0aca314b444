import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem
from sklearn.ensemble import RandomForestClassifier

from benchmarks.ecfp import Forest, fingerprints

SMILES = ("CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "C[C@H](N)C(=O)O")


def test_fingerprints_are_ecfp4():
    found = fingerprints(SMILES)
    for row, smiles in zip(found.bits, SMILES, strict=True):
        expected = AllChem.GetMorganFingerprintAsBitVect(Chem.MolFromSmiles(smiles), 2, nBits=2048)
        assert set(row.nonzero()[0].tolist()) == set(expected.GetOnBits())
    assert found.missing == []


def test_what_is_no_molecule_has_no_bits_and_is_named():
    found = fingerprints(("CCO", "C1CC", "N"))
    assert found.missing == [1]
    assert not found.bits[1].any()
    np.testing.assert_array_equal(found.bits[[0, 2]], fingerprints(("CCO", "N")).bits)


def test_each_task_is_a_forest_of_its_labelled_rows():
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2, (60, 16), dtype=np.uint8)
    labels = np.stack([bits[:, 0], bits[:, 1] ^ bits[:, 2]], -1).astype(float)
    labels[generator.random((60, 2)) < 0.3] = np.nan
    test = generator.integers(0, 2, (20, 16), dtype=np.uint8)
    predictions, constant = Forest(trees=10).fit_predict(bits, labels, test, "classification", seed=3)
    assert constant == 0
    for task in range(2):
        known = ~np.isnan(labels[:, task])
        forest = RandomForestClassifier(10, random_state=3).fit(bits[known], labels[known, task])
        np.testing.assert_array_equal(predictions[:, task], forest.predict_proba(test)[:, 1])


def test_tasks_that_nothing_can_be_learned_of_are_constant_and_counted():
    bits = np.eye(4, dtype=np.uint8)
    labels = np.array([[0, 1, np.nan, 0], [1, 1, np.nan, np.nan], [0, 1, np.nan, 0], [1, np.nan, np.nan, 0]])
    predictions, constant = Forest(trees=2).fit_predict(bits, labels, bits, "classification", seed=0)
    assert constant == 3
    np.testing.assert_array_equal(predictions[:, 1:], [[1, 0, 0]] * 4)


def test_regression_follows_the_seed_and_the_number_of_training_molecules():
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2, (80, 8), dtype=np.uint8)
    labels = bits @ generator.normal(size=(8, 1))

    def error(forest, seed=0):
        predictions, _ = forest.fit_predict(bits[:60], labels[:60], bits[60:], "regression", seed)
        return float(np.abs(predictions - labels[60:]).mean())

    spread = float(np.abs(labels[60:] - labels[:60].mean()).mean())
    assert error(Forest(trees=30)) < 0.7 * spread
    assert error(Forest(trees=30)) == error(Forest(trees=30, max_train=60)) != error(Forest(trees=30), seed=1)
    assert error(Forest(trees=30, max_train=5)) > error(Forest(trees=30))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trees": 0}, "`trees` must be at least 1, got 0"),
        ({"max_train": 0}, "`max_train` must be at least 1, got 0"),
        ({"max_samples": 1.5}, "`max_samples` must be a share above 0 and at most 1, got 1.5"),
        ({"max_features": 0.0}, "`max_features` must be a share"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        Forest(**settings)
