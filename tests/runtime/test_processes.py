import pytest
import torch
import torch.distributed as dist

from pyg_moleblend.runtime import processes
from pyg_moleblend.runtime.processes import gather_rows, join, share_of, world_size


def test_alone():
    assert world_size() == 1
    assert share_of(3).tolist() == [0, 1, 2]
    rows = gather_rows(torch.tensor([2, 0, 1]), torch.tensor([[20.0], [0.0], [10.0]]), 3)
    assert rows.tolist() == [[0], [10], [20]]


def test_shares_are_put_together_again(monkeypatch):
    monkeypatch.setattr(processes, "_several", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 3)
    shares = []
    for number in range(3):
        monkeypatch.setattr(dist, "get_rank", lambda number=number: number)
        shares.append(share_of(2))
    assert [share.tolist() for share in shares] == [[0], [1], []]

    def gather(parts, own):
        parts[:] = [(share, 10.0 * share[:, None] if len(share) else None) for share in shares]

    monkeypatch.setattr(dist, "all_gather_object", gather)
    assert gather_rows(shares[2], None, 2).tolist() == [[0], [10]]


@pytest.mark.parametrize("rows", [[0, 1, 1], [0, 2], [0, 1, 2, 3]])
def test_a_row_too_many_or_too_few_is_said(rows):
    with pytest.raises(RuntimeError, match=r"of 3 rows were not computed exactly once"):
        gather_rows(torch.tensor(rows), torch.zeros(len(rows), 1), 3)


def test_joining_what_torchrun_started(monkeypatch):
    calls = []
    monkeypatch.setattr(dist, "init_process_group", calls.append)
    join()
    assert calls == []
    monkeypatch.setenv("WORLD_SIZE", "2")
    join()
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    join()
    assert calls == ["gloo"]
