import numpy as np
import pytest
import torch

from pyg_moleblend.splits import Split, group_k_fold, group_split, stratified_split, time_split

GROUPS = [f"project {number % 23}" for number in range(200)]


def parts(split: Split) -> list[set[int]]:
    return [set(positions.tolist()) for positions in split.as_dict().values()]


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_together_and_parts_have_their_shares(seed: int) -> None:
    split = group_split(GROUPS, (0.6, 0.2, 0.2), seed)
    found = parts(split)
    assert set().union(*found) == set(range(200))
    names = [{GROUPS[i] for i in part} for part in found]
    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]
    assert [len(part) / 200 for part in found] == pytest.approx([0.6, 0.2, 0.2], abs=0.05)
    assert split.hash == group_split(GROUPS, (0.6, 0.2, 0.2), seed).hash
    assert split.hash != group_split(GROUPS, (0.6, 0.2, 0.2), seed + 1).hash


@pytest.mark.parametrize("seed", range(8))
def test_a_dominant_group_is_trained_on(seed: int) -> None:
    groups = [0] * 900 + [1 + number // 25 for number in range(100)]
    found = [len(part) for part in parts(group_split(groups, seed=seed))]
    assert found[0] >= 900


def test_a_part_without_a_share_stays_empty() -> None:
    assert len(group_split(GROUPS, (0.9, 0.0, 0.1)).valid) == 0


def test_group_folds_test_every_molecule_once() -> None:
    folds = group_k_fold(GROUPS, 4, seed=1)
    assert sorted(torch.cat([split.test for split in folds]).tolist()) == list(range(200))
    for split, following in zip(folds, [*folds[1:], folds[0]], strict=True):
        assert torch.equal(split.valid, following.test)
        train, valid, test = ({GROUPS[i] for i in part} for part in parts(split))
        assert not train & test | train & valid | valid & test
        assert 40 <= len(split.test) <= 60
    with pytest.raises(ValueError, match="number of groups, 2, got 3"):
        group_k_fold([1, 2, 1], 3)


def test_later_molecules_are_tested() -> None:
    times = np.random.default_rng(0).permutation(100)
    split = time_split(times)
    assert [len(part) for part in parts(split)] == [80, 10, 10]
    train, valid, test = (times[sorted(part)] for part in parts(split))
    assert train.max() < valid.min() <= valid.max() < test.min()


def test_molecules_of_one_time_stay_together() -> None:
    dates = np.array(["2020-01-01"] * 5 + ["2021-01-01"] * 4 + ["2022-01-01"], dtype="datetime64[D]")[::-1]
    split = time_split(dates, (0.3, 0.4, 0.3))
    assert [sorted(part) for part in parts(split)] == [[5, 6, 7, 8, 9], [1, 2, 3, 4], [0]]
    for missing in ([1.0, np.nan], np.array(["2020-01-01", "NaT"], dtype="datetime64[D]")):
        with pytest.raises(ValueError, match="1 molecules have no time, number 1"):
            time_split(missing)


@pytest.mark.parametrize("seed", range(5))
def test_parts_have_like_shares_of_each_class(seed: int) -> None:
    labels = np.array([0.0] * 170 + [1.0] * 20 + [np.nan] * 10)
    split = stratified_split(labels, (0.8, 0.1, 0.1), seed)
    found = parts(split)
    assert set().union(*found) == set(range(200))
    counts = [[int((labels[sorted(part)] == value).sum()) for part in found] for value in (0, 1)]
    for count, size in zip(counts, (170, 20), strict=True):
        assert np.abs(np.array(count) - np.array([0.8, 0.1, 0.1]) * size).max() <= 1
    assert [len(part) for part in found] == [160, 20, 20]
    assert split.hash == stratified_split(labels, (0.8, 0.1, 0.1), seed).hash


@pytest.mark.parametrize("size", [10, 20, 60])
def test_few_values_have_parts_as_large_as_at_random(size: int) -> None:
    values = np.random.default_rng(0).normal(size=size)
    for seed in range(30):
        assert [len(part) for part in parts(stratified_split(values, seed=seed))] == [
            0.8 * size,
            0.1 * size,
            0.1 * size,
        ]


def test_values_are_stratified_by_tenths() -> None:
    values = np.random.default_rng(0).normal(size=1000) ** 3
    split = stratified_split(values, (0.8, 0.1, 0.1))
    edges = np.quantile(values, np.arange(1, 10) / 10)
    for part, size in zip(parts(split), (80, 10, 10), strict=True):
        counts = np.bincount(np.searchsorted(edges, values[sorted(part)], side="right"), minlength=10)
        assert np.abs(counts - size).max() <= 2


def test_a_lone_label_goes_where_chance_says() -> None:
    where = [int(np.argmax([1 in part for part in parts(stratified_split([0.0, 1.0], seed=s))])) for s in range(200)]
    assert np.bincount(where, minlength=3) / 200 == pytest.approx([0.8, 0.1, 0.1], abs=0.08)
