from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest
from rdkit.Chem.Scaffolds import MurckoScaffold

from pyg_moleblend.splits import Split, deepchem_scaffold_split, scaffold_split


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
