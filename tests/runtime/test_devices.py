import pytest
import torch
from torch_geometric.data import Batch, Data

from pyg_moleblend.runtime.devices import move, narrowed, widest


@pytest.fixture
def batch() -> Batch:
    molecules = [Data(x=torch.ones(2, 9, dtype=torch.long), y=torch.tensor([[1 / 3]], dtype=torch.float64))] * 2
    return Batch.from_data_list(molecules)


@pytest.mark.parametrize(("device", "dtype"), [("cpu", "float64"), ("cuda:1", "float64"), ("mps", "float32")])
def test_only_apples_gpus_lack_float64(device: str, dtype: str):
    assert widest(device) == widest(torch.device(device)) == getattr(torch, dtype)


def test_what_a_device_lacks_is_rounded_in_a_copy(batch: Batch):
    found = narrowed(batch)
    assert (found.y.dtype, found.x.dtype, batch.y.dtype) == (torch.float32, torch.long, torch.float64)
    assert torch.equal(found.y, batch.y.float())


def test_no_digit_is_lost_elsewhere(batch: Batch):
    assert move(batch, "cpu").y.dtype == torch.float64
    assert move(batch, "meta").y.device.type == "meta"
