import pytest
import torch

from pyg_moleblend.training.global_mean import global_mean


def test_gradients_average_to_that_of_the_whole():
    torch.manual_seed(0)
    weight = torch.randn(4, requires_grad=True)
    parts = [torch.randn(count, 2, 4) for count in (5, 1, 3)]  # what each of three processes counts
    parts[1] = torch.cat([parts[1], torch.zeros(0, 2, 4)])
    counts = [torch.tensor([len(part), len(part) - 1]) for part in parts]  # of the second mean one less

    def means(rows, count):
        squares = (rows @ weight).square()
        return torch.stack([squares[: count[0], 0].sum(), squares[: count[1], 1].sum()]) / count.clamp(min=1)

    own = [means(part, count) for part, count in zip(parts, counts, strict=True)]
    sums = sum(torch.stack([mean.detach() * count, count]) for mean, count in zip(own, counts, strict=True))
    shared = [global_mean(mean, count, 3, lambda x: sums) for mean, count in zip(own, counts, strict=True)]
    gradients = [torch.autograd.grad(s.share.sum(), weight, retain_graph=True)[0] for s in shared]

    first = torch.cat([(part @ weight)[:, 0] for part in parts]).square().mean()
    second = torch.cat([(part @ weight)[: len(part) - 1, 1] for part in parts]).square().mean()
    expected = torch.autograd.grad(first + second, weight)[0]
    torch.testing.assert_close(sum(gradients) / 3, expected)
    for entry in shared:
        torch.testing.assert_close(entry.value, torch.stack([first, second]).detach())


def test_one_process_has_its_own_mean():
    mean = torch.tensor([2.0], requires_grad=True)
    assert global_mean(mean, torch.tensor([3])).share is mean


def test_what_nobody_counts_is_nothing():
    shared = global_mean(torch.zeros(1), torch.zeros(1), 2, lambda x: 2 * x)
    assert (shared.share.item(), shared.value.item()) == (0, 0)


def test_several_processes_need_a_sum():
    with pytest.raises(ValueError, match="means of 2 processes need a function that sums"):
        global_mean(torch.zeros(1), torch.zeros(1), 2)
