import os
import signal

import pytest
import torch
from batches import assert_same_batch
from torch.utils.data import Dataset
from torch_geometric.data import InMemoryDataset

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets.base import MoleculeDataset, store
from pyg_moleblend.datasets.io.reading import read_molecules
from pyg_moleblend.loader import molecule_loader, molecule_sizes
from pyg_moleblend.runtime.worker_pool import WorkerError
from pyg_moleblend.transforms import AddRelations

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


def dataset_of(smiles, transform=None):
    dataset = MoleculeDataset(None, transform)
    dataset.data, dataset.slices = store(read_molecules(smiles))
    return dataset


@pytest.mark.parametrize("num_workers", [0, 2])
def test_flat_storage_gives_the_same_batches_as_its_molecules(num_workers):
    for dataset in (dataset_of(SMILES), dataset_of(SMILES)[[11, 3, 5, 4, 0]]):
        arguments = {"batch_size": 3, "shuffle": True, "seed": 5}
        batches = list(molecule_loader(dataset, **arguments, num_workers=num_workers))
        expected = list(molecule_loader(list(dataset), **arguments))
        assert len(batches) == len(expected)
        for found, one in zip(batches, expected, strict=True):
            assert_same_batch(found, one)


def test_a_transform_sees_each_molecule():
    batches = list(molecule_loader(dataset_of(SMILES, AddRelations()), batch_size=4))
    assert all("spd" in batch for batch in batches)


def test_an_epoch_is_set_and_entered_in_its_middle():
    loader = molecule_loader(dataset_of(SMILES), batch_size=2, shuffle=True)
    first = [batch.smiles for batch in loader]
    loader.batch_sampler.set_epoch(1)
    second = [batch.smiles for batch in loader]
    assert first != second
    loader.batch_sampler.set_epoch(1, start=4)
    assert [batch.smiles for batch in loader] == second[4:]


class Molecules(InMemoryDataset):
    def __init__(self, molecules):
        super().__init__()
        self.data, self.slices = self.collate(molecules)


def test_sizes_of_lists_datasets_and_subsets():
    molecules = [from_smiles(text) for text in ("C", "CCO", "c1ccccc1", "CC")]
    dataset = Molecules(molecules)
    assert molecule_sizes(molecules).tolist() == [1, 3, 6, 2]
    assert molecule_sizes(dataset).tolist() == [1, 3, 6, 2]
    assert molecule_sizes(dataset[[2, 0]]).tolist() == [6, 1]
    assert molecule_sizes(torch.utils.data.Subset(dataset, [1, 3])).tolist() == [3, 2]


class Killer(Dataset):
    r"""Ends the process that looks at its third molecule, as the kernel does for want of memory."""

    num_atoms = torch.ones(4, dtype=torch.long)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int):
        if place == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return from_smiles("C")


def test_a_process_that_is_killed_is_told():
    with pytest.raises(WorkerError, match=r"was ended from outside.*take fewer of them \(num_workers"):
        list(molecule_loader(Killer(), batch_size=1, num_workers=1))
