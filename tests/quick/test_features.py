import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import AllChem, MACCSkeys, rdReducedGraphs

from pyg_moleblend.chem.descriptors import descriptor_matrix
from pyg_moleblend.quick import features
from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, FINGERPRINTS, features_of

SMILES = ["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "[Na+].[Cl-]", "C"]


def test_descriptors_are_those_of_pretraining(capfd):
    smiles = [*SMILES, "[Pt](Cl)(Cl)(N)N"]
    found = features_of(smiles, fingerprints=[]).descriptors
    assert np.array_equal(found, descriptor_matrix(smiles), equal_nan=True)
    assert np.isnan(found[-1, DESCRIPTOR_NAMES.index("MaxPartialCharge")])
    assert capfd.readouterr().err == ""


def test_a_molecule_that_takes_too_long_is_a_failure():
    found = features._Work(True, ("morgan",))(["CCO", "CCN"], [1, 0], lambda item: None)
    assert [(failure.row, failure.input) for failure in found.failures] == [(0, "CCO")]
    assert "more than 60 s" in found.failures[0].reason
    assert np.isnan(found.descriptors[0]).all()
    assert found.counts["morgan"].sum(axis=1).tolist() == [0, features_of(["CCN"]).counts["morgan"].sum()]


def test_counts_are_rdkits():
    counts = features_of(SMILES, descriptors=False).counts
    for row, text in enumerate(SMILES):
        mol = Chem.MolFromSmiles(text)
        with_old_function = {
            "morgan": AllChem.GetHashedMorganFingerprint(mol, 2, nBits=4096),
            "feature_morgan": AllChem.GetHashedMorganFingerprint(mol, 2, nBits=4096, useFeatures=True),
        }
        for name, found in with_old_function.items():
            values = counts[name].toarray()[row]
            assert {int(i): int(values[i]) for i in values.nonzero()[0]} == found.GetNonzeroElements()
        keys = np.zeros(167)
        DataStructs.ConvertToNumpyArray(MACCSkeys.GenMACCSKeys(mol), keys)
        assert (counts["maccs"].toarray()[row] == keys).all()
        assert (counts["reduced_graph"].toarray()[row] == np.rint(10 * rdReducedGraphs.GetErGFingerprint(mol))).all()


def test_a_chain_has_the_pairs_and_paths_that_one_can_count():
    counts = features_of(["CCCC"], descriptors=False).counts
    totals = {name: int(values.sum()) for name, values in counts.items()}
    assert totals["atom_pairs"] == totals["feature_atom_pairs"] == 6  # of four atoms
    assert totals["torsions"] == 1
    # Paths of one, two and three bonds, each of which RDKit hashes twice.
    assert totals["paths"] == 2 * (3 + 2 + 1)


def test_a_row_that_is_no_molecule_has_a_reason_and_shifts_nothing():
    bad = ["CCO", "C1CC", None, "c1ccccc1O", "", 3.0]
    found, alone = features_of(bad), features_of(["CCO", "c1ccccc1O"])
    assert [failure.row for failure in found.failures] == [1, 2, 4, 5]
    assert all(failure.reason for failure in found.failures)
    assert found.is_molecule.tolist() == [True, False, False, True, False, False]
    assert np.isnan(found.descriptors[[1, 2, 4, 5]]).all()
    assert np.array_equal(found.descriptors[[0, 3]], alone.descriptors, equal_nan=True)
    for name in FINGERPRINTS:
        assert (found.counts[name].toarray()[[0, 3]] == alone.counts[name].toarray()).all()
        assert found.counts[name].toarray()[[1, 2, 4, 5]].sum() == 0


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_chunks_and_processes_change_nothing(workers, monkeypatch):
    smiles = ["C" * length + "O" for length in range(1, 8)] + ["oops"]
    whole = features_of(smiles)
    monkeypatch.setattr(features, "CHUNK", 3)
    monkeypatch.setattr(features, "POOL_PAYS", 1)
    parts = features_of(smiles, num_workers=workers)
    assert np.array_equal(parts.descriptors, whole.descriptors, equal_nan=True)
    assert all((parts.counts[name] != whole.counts[name]).nnz == 0 for name in FINGERPRINTS)
    assert parts.failures == whole.failures


def test_no_molecules():
    found = features_of([])
    assert found.descriptors.shape == (0, len(DESCRIPTOR_NAMES))
    assert found.counts["morgan"].shape == (0, 4096)


def test_an_unknown_fingerprint():
    with pytest.raises(ValueError, match="'ecfp'"):
        features_of(["C"], fingerprints=["ecfp"])


def test_pharmacophoric_pairs_do_not_tell_like_groups_apart():
    acids = features_of(["OC(=O)CCCCN", "OC(=O)CCCCN(C)C", "CCCCCCC"], descriptors=False).counts["feature_atom_pairs"]
    pairs = acids.toarray()
    common = np.minimum(pairs[0], pairs[1]).sum()
    assert common > np.minimum(pairs[0], pairs[2]).sum()
