import torch
from torch_geometric.data import InMemoryDataset

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.loader import molecule_sizes

SMILES = ["C", "CCO", "c1ccccc1", "CC"]


class Molecules(InMemoryDataset):
    def __init__(self, molecules):
        super().__init__()
        self.data, self.slices = self.collate(molecules)


def test_sizes_of_lists_datasets_and_subsets():
    molecules = [from_smiles(text) for text in SMILES]
    dataset = Molecules(molecules)
    assert molecule_sizes(molecules).tolist() == [1, 3, 6, 2]
    assert molecule_sizes(dataset).tolist() == [1, 3, 6, 2]
    assert molecule_sizes(dataset[[2, 0]]).tolist() == [6, 1]
    assert molecule_sizes(torch.utils.data.Subset(dataset, [1, 3])).tolist() == [3, 2]
