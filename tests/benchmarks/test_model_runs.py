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
    monkeypatch.setattr(model_runs, "BATCH_SIZE", 4)
    monkeypatch.setattr(model_runs, "MAX_ATOMS", 3)
    molecules = model_runs.with_coordinates(["C" * size for size in (1, 2, 3, 4, 5, 6) * 2])
    batches = model_runs.bucketed(molecules)
    assert sorted(count for batch in batches for count in batch.ptr.diff().tolist()) == [
        1,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
        5,
        5,
        6,
        6,
    ]
    assert all(batch.num_graphs * int(batch.ptr.diff().max()) ** 2 <= 4 * 3**2 for batch in batches)


@pytest.mark.parametrize("way", list(model_runs.WAYS["step"]))
def test_every_way_takes_a_step(way: str):
    config, batch = samples.tiny_config(bond_vocabulary="release"), Batch.from_data_list(samples.molecules(3))
    run = model_runs.WAYS["step"][way].make(config, "step")
    run(batch)
