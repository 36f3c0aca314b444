import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyg_moleblend.loader import SizeBucketBatchSampler


def padded_pairs(batches, sizes):
    return sum(len(batch) * max(sizes[i] for i in batch) ** 2 for batch in batches)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=8, max_size=120),
    batch_size=st.integers(2, 9),
    num_replicas=st.integers(1, 4),
    window=st.integers(1, 4),
    shuffle=st.booleans(),
    max_pairs=st.sampled_from([None, 3200, 4000]),  # two of the largest fit: single ones cannot be halved
)
def test_every_molecule_comes_once_over_all_ranks(sizes, batch_size, num_replicas, window, shuffle, max_pairs):
    ranks = [
        SizeBucketBatchSampler(sizes, batch_size, shuffle, 3, window, max_pairs, rank=rank, num_replicas=num_replicas)
        for rank in range(num_replicas)
    ]
    for epoch in range(2):
        for rank in ranks:
            rank.set_epoch(epoch)
        given = [list(rank) for rank in ranks]
        assert given == [[rank.batch(number) for number in range(len(rank))] for rank in ranks]
        assert sorted(i for batches in given for batch in batches for i in batch) == list(range(len(sizes)))
        assert {len(batches) for batches in given} == {len(rank) for rank in ranks}
        assert all(0 < len(batch) <= batch_size for batches in given for batch in batches)
        if max_pairs is not None:
            assert all(padded_pairs([batch], sizes) <= max_pairs for batches in given for batch in batches)


def test_batches_hold_molecules_of_like_size():
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(3, 40, (4000,), generator=generator).tolist()
    true = sum(size**2 for size in sizes)
    sampler = SizeBucketBatchSampler(sizes, batch_size=16, shuffle=True)
    at_random = torch.randperm(4000, generator=generator).split(16)
    assert padded_pairs(sampler, sizes) < 1.25 * true
    assert padded_pairs([batch.tolist() for batch in at_random], sizes) > 2 * true


def test_large_sets_have_larger_windows():
    generator = torch.Generator().manual_seed(0)
    # A tail of large molecules, as in screening collections.
    sizes = (3.1 + 0.45 * torch.randn(40_000, generator=generator)).exp().clamp(2, 220).long().tolist()
    true = sum(size**2 for size in sizes)
    assert padded_pairs(SizeBucketBatchSampler(sizes, 32, shuffle=True), sizes) < 1.2 * true
    assert padded_pairs(SizeBucketBatchSampler(sizes, 32, shuffle=True, window=20), sizes) > 1.2 * true
    assert SizeBucketBatchSampler(sizes[:2000], 32).window == 20
    assert SizeBucketBatchSampler(range(1, 600), 2).window == 74


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=90),
    batch_size=st.integers(1, 7),
    window=st.integers(1, 4),
    max_pairs=st.integers(900, 2000),
)
def test_batches_are_filled_within_the_budget(sizes, batch_size, window, max_pairs):
    batches = list(SizeBucketBatchSampler(sizes, batch_size, window=window, max_pairs=max_pairs))
    expected = []  # the plain loop
    for start in range(0, len(sizes), window * batch_size):
        part = sorted(range(start, min(start + window * batch_size, len(sizes))), key=lambda i: sizes[i])
        expected.append([])
        for i in part:
            if len(expected[-1]) == batch_size or (len(expected[-1]) + 1) * sizes[i] ** 2 > max_pairs:
                expected.append([])
            expected[-1].append(i)
    assert batches == expected


def test_order_follows_from_seed_and_epoch():
    def order(seed, epoch, shuffle=True):
        sampler = SizeBucketBatchSampler(range(1, 101), 8, shuffle, seed, window=3)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)
    assert order(0, 1, shuffle=False) == order(1, 2, shuffle=False)


def test_sizes_of_batches_are_shuffled():
    sizes = list(range(1, 321))
    sampler = SizeBucketBatchSampler(sizes, 8, shuffle=True)
    largest = [max(sizes[i] for i in batch) for batch in sampler]
    assert largest != sorted(largest)


def test_an_interrupted_epoch_goes_on_where_it_stopped():
    sampler = SizeBucketBatchSampler(range(1, 101), 8, shuffle=True)
    sampler.set_epoch(4)
    whole = list(sampler)
    sampler = SizeBucketBatchSampler(range(1, 101), 8, shuffle=True)
    sampler.set_epoch(4, start=5)
    sampler.sampler.set_epoch(4)  # as Lightning does at the start of an epoch
    assert list(sampler) == whole[5:]
    assert len(sampler) == len(whole)
    sampler.set_epoch(5)
    assert len(list(sampler)) == len(whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1, got 0"),
        ({"rank": 2, "num_replicas": 2}, "`rank` must be from 0 to num_replicas - 1 = 1, got 2"),
        ({"max_pairs": 99}, "molecule 2 has 10 atoms and so 100 pairs"),
        ({"num_replicas": 4}, "at least 4 molecules"),
        ({"batch_size": 1, "num_replicas": 2}, "3 batches of one molecule cannot be dealt evenly to 2 processes"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        SizeBucketBatchSampler([3, 5, 10], **{"batch_size": 2, **arguments})
