import pytest
import torch

from pyg_moleblend.datasets.check import describe_sizes
from pyg_moleblend.datasets.check.sizes import EDGES


def test_every_molecule_is_counted_in_its_bin() -> None:
    sizes = torch.tensor([1, 10, 11, 20, 21, 100, 101, 1000, 1001, 5000])
    report = describe_sizes(sizes, torch.arange(10) + 100, batch_size=4)
    expected = {1: 2, 11: 2, 21: 1, 51: 1, 101: 1, 501: 1, 1001: 2}
    assert report.histogram == [(low, expected.get(low, 0)) for low in EDGES]
    assert report.largest == [(109, 5000), (108, 1001), (107, 1000), (106, 101), (105, 100)]
    assert (report.mean, report.median) == (726.5, 60.5)


def test_padding_of_like_sizes_is_none() -> None:
    report = describe_sizes(torch.full((50,), 7), torch.arange(50))
    assert report.padding_random == report.padding_bucketed == 1


def test_padding_by_hand() -> None:
    r"""One batch of 1 and 3 atoms: 2 * 9 padded pairs for 10 true ones."""
    report = describe_sizes(torch.tensor([1, 3]), torch.arange(2), batch_size=2)
    assert report.padding_random == report.padding_bucketed == pytest.approx(1.8)


def test_buckets_pad_less() -> None:
    sizes = torch.randint(1, 60, (2000,), generator=torch.Generator().manual_seed(0))
    report = describe_sizes(sizes, torch.arange(2000))
    assert 1 < report.padding_bucketed < 1.3 < 2 < report.padding_random


def test_no_molecule() -> None:
    with pytest.raises(ValueError, match="no molecule"):
        describe_sizes(torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.long))
