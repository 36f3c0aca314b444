import pytest
import torch

from pyg_moleblend.training.tally import Collected, Tally


def both_ranks(metrics):
    r"""Metrics that believe to run on two processes and find each other's states."""
    for metric in metrics:
        metric.distributed_available_fn = lambda: True
        metric.dist_sync_fn = lambda value, group=None: gather(metrics, value)
    return metrics


def gather(metrics, value):
    for name in metrics[0]._defaults:
        states = [getattr(metric, name) for metric in metrics]
        states = [torch.cat(state) if isinstance(state, list) and state else state for state in states]
        if any(isinstance(state, torch.Tensor) and torch.equal(state, value) for state in states):
            return states
    raise AssertionError("an unknown state is to be gathered")


def test_mean_is_total_through_count():
    tally = Tally(2)
    tally.update(torch.tensor([6.0, 1.0]), torch.tensor([3, 1]))
    tally.update(torch.tensor([4.0, 2.0]), torch.tensor([1, 4]))
    assert tally.compute().tolist() == [10 / 4, 3 / 5]


def test_nothing_counted_is_nan():
    tally = Tally()
    tally.update(torch.zeros(1), torch.zeros(1))
    assert tally.compute().isnan().all()


def test_small_numbers_are_not_lost_in_a_long_epoch():
    tally = Tally()
    tally.update(torch.tensor([1e9]), torch.tensor([1e9]))
    for _ in range(10):
        tally.update(torch.tensor([1.0]), torch.tensor([0.0]))
    assert tally.total.item() == 1e9 + 10


def test_ranks_are_put_together():
    ranks = both_ranks([Tally(), Tally()])
    ranks[0].update(torch.tensor([9.0]), torch.tensor([3]))
    ranks[1].update(torch.tensor([1.0]), torch.tensor([2]))
    assert ranks[0].compute().item() == pytest.approx(10 / 5)

    ranks = both_ranks([Collected(), Collected()])
    ranks[0].update(torch.tensor([[1.0], [3.0]]), torch.tensor([[0.1], [0.3]]), torch.tensor([0, 2]))
    ranks[1].update(torch.tensor([[2.0]]), torch.tensor([[0.2]]), torch.tensor([1]))
    labels, predictions = ranks[0].compute()
    assert labels.tolist() == [[1.0], [2.0], [3.0]]
    assert predictions.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_a_single_molecule_keeps_its_shape():
    collected = Collected()
    collected.update(torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([0]))
    assert collected.compute().tolist() == [[[1.0]], [[2.0]]]


def test_a_row_that_comes_twice_is_said():
    collected = Collected()
    for rows in ([0, 1], [2, 1]):
        collected.update(torch.zeros(2, 1), torch.zeros(2, 1), torch.tensor(rows))
    with pytest.raises(RuntimeError, match="1 rows were evaluated more than once, the first being row 1"):
        collected.compute()
