import numpy as np
import pytest

from pyg_moleblend.chem import murcko_scaffold, parse_smiles
from pyg_moleblend.quick.folds import random_folds, scaffold_folds

RINGS = ["c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCCC1", "c1ccoc1", "c1ccsc1", "C1CC1", "c1ccc2ccccc2c1", "C1CCNCC1"]
SMILES = [f"{chain}{ring}" for ring in RINGS for chain in ("", "C", "CC", "O", "N", "CO")]


def test_no_scaffold_is_in_two_folds():
    folds = scaffold_folds(SMILES, seed=0)
    scaffolds = [murcko_scaffold(parse_smiles(text), chirality=True) for text in SMILES]
    for scaffold in set(scaffolds):
        assert len({fold for fold, own in zip(folds.tolist(), scaffolds, strict=True) if own == scaffold}) == 1
    sizes = np.bincount(folds, minlength=4)
    assert sizes.sum() == 54
    assert sizes.min() >= 6


def test_a_scaffold_of_most_molecules_is_cut():
    chains = ["C" * length for length in range(1, 19)]
    for seed in range(5):
        folds = scaffold_folds([*SMILES, *chains], seed)
        sizes = np.bincount(folds, minlength=4)
        assert sizes.max() - sizes.min() <= 6
        # More than half of 72 / 4, so there are two pieces, in two folds.
        assert sorted(np.bincount(folds[54:], minlength=4).tolist()) == [0, 0, 9, 9]


@pytest.mark.parametrize("draw", [lambda seed: scaffold_folds(SMILES, seed), lambda seed: random_folds(50, seed)])
def test_the_seed_says_all(draw):
    assert (draw(3) == draw(3)).all()
    assert any((draw(3) != draw(seed)).any() for seed in range(4, 8))


def test_random_folds_are_of_one_size():
    assert np.bincount(random_folds(42, 0)).tolist() == [11, 11, 10, 10]


def test_few_molecules():
    assert len(scaffold_folds(["C", "c1ccccc1"], 0)) == 2
    assert scaffold_folds([], 0).shape == (0,)
