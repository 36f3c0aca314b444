import random
from collections import defaultdict
from collections.abc import Callable

import pytest
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from pyg_moleblend.splits import Split, balanced_scaffold_split, random_scaffold_split

RINGS = [
    "C1CC1",
    "C1CCC1",
    "C1CCCC1",
    "C1CCCCC1",
    "c1ccccc1",
    "c1ccncc1",
    "c1ccoc1",
    "c1ccsc1",
    "c1cc[nH]c1",
    "C1CCOC1",
]
SMILES = [f"{'C' * chain}{ring}" for number, ring in enumerate(RINGS) for chain in range(1, 4 * number + 2)]
random.Random(0).shuffle(SMILES)
SEEDED = [balanced_scaffold_split, random_scaffold_split]


def groups(split: Split) -> dict[str, set[str]]:
    r"""The parts that each scaffold is in."""
    where = defaultdict(set)
    for part, positions in split.as_dict().items():
        for position in positions.tolist():
            where[MurckoScaffold.MurckoScaffoldSmiles(SMILES[position])].add(part)
    return where


@pytest.mark.parametrize("make", SEEDED)
@pytest.mark.parametrize("seed", range(5))
def test_scaffolds_stay_together_and_nothing_is_lost(make: Callable[..., Split], seed: int) -> None:
    split = make(SMILES, (0.6, 0.2, 0.2), seed)
    assert all(len(found) == 1 for found in groups(split).values())
    every = [position for part in split.as_dict().values() for position in part.tolist()]
    assert sorted(every) == list(range(len(SMILES)))
    assert split.hash == make(SMILES, (0.6, 0.2, 0.2), seed).hash
    assert f"seed {seed}" in split.name


@pytest.mark.parametrize("make", SEEDED)
def test_seeds_give_different_splits(make: Callable[..., Split]) -> None:
    assert len({make(SMILES, seed=seed).hash for seed in range(10)}) > 3


@pytest.mark.parametrize("seed", range(5))
def test_balanced_parts_keep_to_their_own_shares(seed: int) -> None:
    r"""Train and valid hold no more than their shares, and a group is in test only if both had no room for it."""
    split = balanced_scaffold_split(SMILES, (0.6, 0.2, 0.2), seed)
    train, valid, test = (len(part) for part in split.as_dict().values())
    assert train <= 0.6 * len(SMILES)
    assert valid <= 0.2 * len(SMILES)
    sizes = defaultdict(int)
    for smiles in (SMILES[position] for position in split.test.tolist()):
        sizes[MurckoScaffold.MurckoScaffoldSmiles(smiles)] += 1
    assert all(train + size > 0.6 * len(SMILES) and valid + size > 0.2 * len(SMILES) for size in sizes.values())
    assert sum(sizes.values()) == test


def test_balanced_groups_that_would_fill_half_a_part_come_first() -> None:
    r"""One scaffold of 24 and six of 1: with 0.8/0.1/0.1 the large one is all of train, whatever the seed."""
    smiles = [*RINGS[1:7], *(f"{'C' * chain}C1CC1" for chain in range(24))]
    for seed in range(10):
        split = balanced_scaffold_split(smiles, seed=seed)
        assert set(split.train.tolist()) == set(range(6, 30))
        assert (len(split.valid), len(split.test)) == (3, 3)
    assert len({balanced_scaffold_split(smiles, seed=seed).hash for seed in range(10)}) > 3


@pytest.mark.parametrize("seed", range(5))
def test_random_scaffolds_fill_valid_and_test_up_to_their_shares(seed: int) -> None:
    split = random_scaffold_split(SMILES, (0.6, 0.2, 0.2), seed)
    assert len(split.valid) <= 0.2 * len(SMILES)
    assert len(split.test) <= 0.2 * len(SMILES)


def test_chirality() -> None:
    r"""Mirror images: one group, too large for valid and test, without chirality; two with it."""
    mirror_images = ["O[C@H]1CCO[C@@H]1C1CC1", "O[C@@H]1CCO[C@H]1C1CC1"]
    assert all(Chem.MolFromSmiles(smiles) for smiles in mirror_images)
    assert len(random_scaffold_split(mirror_images, (0.5, 0.5, 0)).valid) == 1
    assert [len(part) for part in balanced_scaffold_split(mirror_images, (0.5, 0, 0.5)).as_dict().values()] == [0, 0, 2]
