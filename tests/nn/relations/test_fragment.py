import samples
import torch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.nn import FragmentBias
from pyg_moleblend.transforms import AddFragments
from pyg_moleblend.utils import pack


def test_same_joined_and_other_fragments_have_numbers_of_their_own():
    module = samples.randomized(FragmentBias(heads=3))
    molecules = pack(AddFragments()(from_smiles("CCOCC(C)=O")), ["brics"])  # ethyl, oxygen, acetonyl
    bias = module(molecules)[0]
    assert torch.equal(bias[:, 0, 1], module.table.weight[1])
    assert torch.equal(bias[:, 0, 2], module.table.weight[2])
    assert torch.equal(bias[:, 0, 4], module.table.weight[0])
