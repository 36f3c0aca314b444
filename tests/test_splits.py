import json
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest
import torch
from rdkit.Chem.Scaffolds import MurckoScaffold

from pyg_moleblend.splits import Split, column_split, k_fold, random_split, scaffold_split


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


def test_random_split_depends_on_the_seed_alone() -> None:
    split = random_split(1000, (0.7, 0.2, 0.1), seed=3)
    assert [len(part) for part in parts(split)] == [700, 200, 100]
    assert set().union(*parts(split)) == set(range(1000))
    assert split.hash == random_split(["C"] * 1000, (0.7, 0.2, 0.1), seed=3).hash
    assert split.hash != random_split(1000, (0.7, 0.2, 0.1), seed=4).hash
    torch.rand(1)
    assert torch.equal(split.train, random_split(1000, (0.7, 0.2, 0.1), seed=3).train)


def test_column_split() -> None:
    split = column_split(["Train", "val", "test ", "validation", "train"], "BACE's column")
    assert parts(split) == [{0, 4}, {1, 3}, {2}]
    assert str(split) == f"BACE's column (2 train, 2 valid, 1 test; {split.hash})"
    with pytest.raises(ValueError, match=r"'holdout' at 1"):
        column_split(["train", "holdout"])


def test_k_fold_tests_every_molecule_once() -> None:
    splits = k_fold(11, k=4, seed=1)
    assert sorted(torch.cat([split.test for split in splits]).tolist()) == list(range(11))
    assert sorted(torch.cat([split.valid for split in splits]).tolist()) == list(range(11))
    for split in splits:
        assert set().union(*parts(split)) == set(range(11))
    for k in (2, 12):
        with pytest.raises(ValueError, match=f"got {k}"):
            k_fold(11, k=k)


def test_save_and_load(tmp_path: Path) -> None:
    split = random_split(20, seed=1)
    split.save(tmp_path / "split.json")
    loaded = Split.load(tmp_path / "split.json")
    assert (loaded.name, loaded.hash) == (split.name, split.hash)
    assert all(torch.equal(loaded.as_dict()[part], split.as_dict()[part]) for part in split.as_dict())


def test_load_refuses_a_file_whose_positions_were_changed(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    random_split(20).save(path)
    content = json.loads(path.read_text())
    content["train"].append(content["test"].pop())
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"split\.json was changed"):
        Split.load(path)


def test_hash_is_of_sets() -> None:
    one, two, three = torch.tensor([0, 1]), torch.tensor([2]), torch.tensor([3])
    assert Split("a", one, two, three).hash == Split("b", one.flip(0), two, three).hash
    assert Split("a", one, two, three).hash != Split("a", one, three, two).hash


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (torch.tensor([0, 1]), torch.tensor([1]), r"1 positions occur more than once.*\[1\]"),
        (torch.tensor([0, -1]), torch.tensor([1]), r"negative, got -1"),
        (torch.tensor([True, False]), torch.tensor([1]), r"train must be int64 \[M\], got torch.bool \[2\]"),
        (torch.tensor([0]), torch.tensor([[1]]), r"test must be int64"),
    ],
)
def test_split_refuses(train: torch.Tensor, test: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Split("bad", train, torch.tensor([5]), test)


@pytest.mark.parametrize("fractions", [(0.8, 0.1), (0.8, 0.1, 0.2), (1.2, -0.1, -0.1), (0, 0.5, 0.5), ()])
def test_fractions_are_checked(fractions: tuple[float, ...]) -> None:
    for split in (random_split, scaffold_split):
        with pytest.raises(ValueError, match="`fractions` must be shares"):
            split(["C"] * 10, fractions)
