import torch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.loader import molecule_loader

SMILES = ["C" * size for size in range(1, 13)]


def test_loader_gives_batches_of_like_size():
    loader = molecule_loader([from_smiles(text) for text in SMILES], batch_size=4, max_pairs=4 * 8**2)
    batches = list(loader)
    assert len(batches) == len(loader) == 5
    assert [batch.num_graphs for batch in batches] == [4, 4, 2, 1, 1]
    seen = torch.cat([batch.ptr.diff() for batch in batches])
    assert seen.tolist() == list(range(1, 13))


def test_ranks_share_the_molecules():
    molecules = [from_smiles(text) for text in SMILES]
    smiles = [
        text
        for rank in range(2)
        for batch in molecule_loader(molecules, 5, shuffle=True, rank=rank, num_replicas=2)
        for text in batch.smiles
    ]
    assert sorted(smiles) == sorted(SMILES)
