import pytest
import torch

from pyg_moleblend.runtime.device import pick_device


def test_a_device_that_is_not_there_is_named():
    assert pick_device("auto") == torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="there is no device 'abacus'"):
        pick_device("abacus")
