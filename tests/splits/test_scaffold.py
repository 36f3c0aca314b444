import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from pyg_moleblend.splits import (
    Split,
    balanced_scaffold_split,
    deepchem_scaffold_split,
    random_scaffold_split,
    scaffold_split,
)


def parts(split: Split) -> list[set[int]]:
    return [set(positions.tolist()) for positions in split.as_dict().values()]


@pytest.mark.parametrize("name", ["ogbg_molesol", "ogbg_molbbbp"])
def test_scaffold_split_is_ogbs_official_one(shared_data: Path, name: str) -> None:
    folder = shared_data / "ogb" / name
    smiles = pd.read_csv(folder / "mapping" / "mol.csv.gz")["smiles"].tolist()
    official = [
        set(pd.read_csv(folder / "split" / "scaffold" / f"{part}.csv.gz", header=None)[0])
        for part in ("train", "valid", "test")
    ]
    assert parts(scaffold_split(smiles)) == official


def test_scaffold_split_keeps_scaffolds_together() -> None:
    rings = ["c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CC1", "C1CCC1", "c1ccoc1"]
    smiles = [f"{'C' * chain}{ring}" for chain in range(1, 5) for ring in rings] + ["CCO", "CCN"]
    split = scaffold_split(smiles, (0.6, 0.2, 0.2))
    where = defaultdict(set)
    for part, positions in split.as_dict().items():
        for position in positions.tolist():
            where[MurckoScaffold.MurckoScaffoldSmiles(smiles[position])].add(part)
    assert len(where) == 7
    assert all(len(found) == 1 for found in where.values())
    assert set().union(*parts(split)) == set(range(len(smiles)))


def test_scaffold_split_tells_mirror_images_apart() -> None:
    r"""Two groups of one with chirality, one of two without; only with it do both parts get a molecule."""
    mirror_images = ["O[C@H]1CCO[C@@H]1C1CC1", "O[C@@H]1CCO[C@H]1C1CC1"]
    assert [len(part) for part in parts(scaffold_split(mirror_images, (0.5, 0.5, 0)))] == [1, 1, 0]


def test_scaffold_split_names_the_molecule_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match=r"molecule 1.*C1CC"):
        scaffold_split(["CCO", "C1CC"])


def test_deepchems_split_does_not_tell_mirror_images_apart() -> None:
    mirror_images = ["O[C@H]1CCO[C@@H]1C1CC1", "O[C@@H]1CCO[C@H]1C1CC1"]
    split = deepchem_scaffold_split(mirror_images, (0.5, 0.5, 0))
    assert [len(part) for part in parts(split)] == [0, 2, 0]  # one group, for which train has no room
    assert split.name == "scaffold (DeepChem) 0.5/0.5/0"


def test_groups_fill_the_parts_as_worked_out_by_hand() -> None:
    r"""Groups of 3, 2, 2, 1, 1, 1 molecules; 4 belong in train, 3 in valid.

    3 fit into train. Neither 2 does: the later one goes to valid, the other, 3 + 2 + 2 = 7, too. Of the three
    singles the last one fills train, the others find no room.
    """
    smiles = [
        "C1CC1",
        "C1CCC1C",
        "C1CC1C",
        "c1ccccc1",
        "C1CCC1",
        "c1ccncc1",
        "C1CC1CC",
        "c1ccoc1",
        "c1ccccc1C",
        "c1ccsc1",
    ]
    for make in (scaffold_split, deepchem_scaffold_split):
        assert parts(make(smiles, (0.4, 0.3, 0.3))) == [{0, 2, 6, 9}, {1, 3, 4, 8}, {5, 7}]


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
