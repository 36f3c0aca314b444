import pytest
import torch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference.run_batches import pick_device, run_batches


def test_the_order_is_the_datasets():
    molecules = [from_smiles("C" * size) for size in (5, 1, 9, 3, 7, 2)]
    sizes = run_batches(lambda batch: batch.ptr.diff()[:, None].float(), molecules, batch_size=2)
    assert sizes.flatten().tolist() == [5, 1, 9, 3, 7, 2]


def test_a_device_that_is_not_there_is_named():
    assert pick_device("auto") == torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="there is no device 'abacus'"):
        pick_device("abacus")
