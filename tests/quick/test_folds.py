import numpy as np
import pytest

from pyg_moleblend.chem import murcko_scaffold, parse_smiles
from pyg_moleblend.quick import folds as module
from pyg_moleblend.quick.folds import Groups

RINGS = ["c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCCC1", "c1ccoc1", "c1ccsc1", "C1CC1", "c1ccc2ccccc2c1", "C1CCNCC1"]
SMILES = [f"{chain}{ring}" for ring in RINGS for chain in ("", "C", "CC", "O", "N", "CO")]


def folds_of(smiles, grouping, seed):
    return Groups.of(smiles, grouping).folds(seed)


def test_no_scaffold_is_in_two_folds():
    folds = folds_of(SMILES, "scaffold", seed=0)
    scaffolds = [murcko_scaffold(parse_smiles(text), chirality=True) for text in SMILES]
    for scaffold in set(scaffolds):
        assert len({fold for fold, own in zip(folds.tolist(), scaffolds, strict=True) if own == scaffold}) == 1
    sizes = np.bincount(folds, minlength=4)
    assert sizes.sum() == 54
    assert sizes.min() >= 6


def test_a_scaffold_of_most_molecules_is_cut():
    chains = ["C" * length for length in range(1, 19)]
    for seed in range(5):
        folds = folds_of([*SMILES, *chains], "scaffold", seed)
        sizes = np.bincount(folds, minlength=4)
        assert sizes.max() - sizes.min() <= 6
        # More than half of 72 / 4, so there are two pieces, in two folds.
        assert sorted(np.bincount(folds[54:], minlength=4).tolist()) == [0, 0, 9, 9]


@pytest.mark.parametrize("grouping", ["scaffold", "random"])
@pytest.mark.parametrize("seed", range(5))
def test_no_molecule_is_in_two_folds(grouping, seed):
    chains = ["C" * length + "O" for length in range(1, 13)]
    rows = [*chains, *(f"O{text[:-1]}" for text in chains), *chains]  # each three times, in two spellings
    folds = folds_of(rows, grouping, seed).reshape(3, 12)
    assert (folds == folds[0]).all()
    assert np.bincount(folds[0], minlength=4).min() >= 2


@pytest.mark.parametrize("grouping", ["scaffold", "random"])
def test_some_rows_have_folds_of_their_own(grouping):
    r"""However they lie in those of all rows, two molecules are in two folds."""
    groups = Groups.of(SMILES, grouping)
    for ring in range(9):
        few = groups.take(np.arange(6 * ring, 6 * ring + 6))
        assert len(np.unique(few.folds(0))) == 4
        assert len(np.unique(few.take(np.array([0, 1])).folds(0))) == 2


@pytest.mark.parametrize("grouping", ["scaffold", "random"])
def test_the_seed_says_all(grouping):
    groups = Groups.of(SMILES, grouping)
    assert (groups.folds(3) == groups.folds(3)).all()
    assert any((groups.folds(3) != groups.folds(seed)).any() for seed in range(4, 8))


def test_random_folds_are_of_one_size_and_mix_the_scaffolds():
    folds = folds_of(SMILES, "random", 0)
    assert sorted(np.bincount(folds).tolist()) == [13, 13, 14, 14]
    assert all(len(set(folds[start : start + 6])) > 1 for start in range(0, 54, 6))


def test_few_molecules():
    assert sorted(folds_of(["C", "c1ccccc1"], "scaffold", 0).tolist()) == [0, 1]
    assert folds_of([], "scaffold", 0).shape == (0,)


def test_a_molecule_without_a_scaffold_is_one_of_its_own(monkeypatch):
    def fails(mol, chirality):
        raise RuntimeError("no scaffold")

    monkeypatch.setattr(module, "murcko_scaffold", fails)
    groups = Groups.of(["CC", "OC", "CO"], "scaffold")
    assert groups.together.tolist() == groups.molecules.tolist() == [0, 1, 1]
