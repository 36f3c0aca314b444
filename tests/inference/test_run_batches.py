import importlib

import pytest
import torch
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference.run_batches import pick_device, run_batches


def test_the_order_is_the_datasets():
    molecules = [from_smiles("C" * size) for size in (5, 1, 9, 3, 7, 2)]
    sizes = run_batches(lambda batch: batch.ptr.diff()[:, None].float(), molecules, batch_size=2)
    assert sizes.flatten().tolist() == [5, 1, 9, 3, 7, 2]


def test_large_molecules_come_in_smaller_batches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.import_module("pyg_moleblend.inference.run_batches"), "MAX_PAIRS", 50)
    molecules = [from_smiles("C" * size) for size in (1, 2, 2, 3, 5, 5, 5, 9)]
    seen: list[list[int]] = []

    def compute(batch: Batch) -> torch.Tensor:
        seen.append(batch.ptr.diff().tolist())
        return batch.ptr.diff()[:, None].float()

    sizes = run_batches(compute, molecules, batch_size=4)
    assert seen == [[1, 2, 2, 3], [5, 5, 5], [9]]
    assert sizes.flatten().tolist() == [1, 2, 2, 3, 5, 5, 5, 9]


def test_a_device_that_is_not_there_is_named():
    assert pick_device("auto") == torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="there is no device 'abacus'"):
        pick_device("abacus")
