from collections.abc import Iterator

import pytest
import samples
import torch
from torch_geometric.data import Batch

from benchmarks import model_runs


def test_coordinates_are_reproducible():
    one, other = (model_runs.with_coordinates(["CCO", "N"])[1].pos for _ in range(2))
    assert one.shape == (1, 3)
    assert torch.equal(one, other)


def test_batches_hold_every_molecule_once_and_keep_to_the_budget(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model_runs, "MAX_ATOMS", 3)
    molecules = model_runs.with_coordinates(["C" * size for size in (1, 2, 3, 4, 5, 6) * 2])
    batches = model_runs.bucketed(molecules, batch_size=4)
    assert sorted(count for batch in batches for count in batch.ptr.diff().tolist()) == sorted([1, 2, 3, 4, 5, 6] * 2)
    assert all(batch.num_graphs * int(batch.ptr.diff().max()) ** 2 <= 6**2 for batch in batches)


@pytest.mark.parametrize("way", list(model_runs.WAYS["step"]))
def test_a_step_of_every_way_changes_the_weights(way: str, monkeypatch: pytest.MonkeyPatch):
    made = []

    def adam(parameters: Iterator[torch.nn.Parameter], **arguments: object) -> torch.optim.Optimizer:
        made.extend(parameters)
        return AdamW(made, **arguments)

    AdamW = torch.optim.AdamW
    monkeypatch.setattr(torch.optim, "AdamW", adam)
    run = model_runs.WAYS["step"][way].make(samples.tiny_config(), "step")
    before = [parameter.detach().clone() for parameter in made]
    run(Batch.from_data_list(samples.molecules(3)))
    changed = [not torch.equal(parameter, old) for parameter, old in zip(made, before, strict=True)]
    assert sum(changed) > 0.8 * len(changed)


@pytest.mark.parametrize("way", list(model_runs.WAYS["forward"]))
def test_a_forward_pass_of_every_way_keeps_nothing(way: str):
    run = model_runs.WAYS["forward"][way].make(samples.tiny_config(), "forward")
    with torch.autograd.graph.saved_tensors_hooks(pytest.fail, pytest.fail):
        run(Batch.from_data_list(samples.molecules(3)))
