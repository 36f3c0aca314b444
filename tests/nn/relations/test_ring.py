import pytest
import samples
import torch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.nn import RingBias
from pyg_moleblend.transforms import AddRings
from pyg_moleblend.utils import pack


def test_every_size_has_numbers_of_its_own():
    module = samples.randomized(RingBias(heads=3, max_ring_size=6))
    molecules = pack(AddRings()(from_smiles("C1CC1C1CCCC1")), ["ring_size"])  # rings of 3 and 5
    bias = module(molecules)[0]
    assert torch.equal(bias[:, 0, 2], module.table.weight[3])
    assert torch.equal(bias[:, 3, 6], module.table.weight[5])
    assert torch.equal(bias[:, 2, 3], module.table.weight[0])


def test_large_rings_share_a_number():
    module = samples.randomized(RingBias(heads=3, max_ring_size=6))
    for smiles in ("C1CCCCC1", "C1CCCCCC1", "C1" + "C" * 300 + "1"):
        molecules = pack(AddRings()(from_smiles(smiles)), ["ring_size"])
        assert torch.equal(module(molecules)[0, :, 0, 3], module.table.weight[6])


def test_a_ring_has_three_atoms():
    with pytest.raises(ValueError, match="got 2"):
        RingBias(2, max_ring_size=2)
