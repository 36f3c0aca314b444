import pytest
import torch

from pyg_moleblend.splits import Split, column_split, k_fold, random_split


def parts(split: Split) -> list[set[int]]:
    return [set(positions.tolist()) for positions in split.as_dict().values()]


def test_random_split_depends_on_the_seed_alone() -> None:
    split = random_split(1000, (0.7, 0.2, 0.1), seed=3)
    assert [len(part) for part in parts(split)] == [700, 200, 100]
    assert set().union(*parts(split)) == set(range(1000))
    assert split.hash == random_split(["C"] * 1000, (0.7, 0.2, 0.1), seed=3).hash
    assert split.hash != random_split(1000, (0.7, 0.2, 0.1), seed=4).hash
    torch.rand(1)
    assert torch.equal(split.train, random_split(1000, (0.7, 0.2, 0.1), seed=3).train)


def test_k_fold_tests_every_molecule_once() -> None:
    splits = k_fold(11, k=4, seed=1)
    assert sorted(torch.cat([split.test for split in splits]).tolist()) == list(range(11))
    assert sorted(torch.cat([split.valid for split in splits]).tolist()) == list(range(11))
    for split in splits:
        assert set().union(*parts(split)) == set(range(11))
    for k in (2, 12):
        with pytest.raises(ValueError, match=f"got {k}"):
            k_fold(11, k=k)


def test_column_split() -> None:
    split = column_split(["Train", "val", "test ", "validation", "train"], "BACE's column")
    assert [positions.tolist() for positions in split.as_dict().values()] == [[0, 4], [1, 3], [2]]
    assert str(split) == f"BACE's column (2 train, 2 valid, 1 test; {split.hash})"
    with pytest.raises(ValueError, match=r"'holdout' at 1"):
        column_split(["train", "holdout"])
