from types import SimpleNamespace

import pytest
from torch_geometric.loader import DataLoader

from pyg_moleblend.training import MoleculeDataModule, Schedule
from pyg_moleblend.training.data import validation_rows


def trainer(rank=0, world_size=1, epoch=0, started=0, batches=0):
    epochs = SimpleNamespace(processed=epoch, started=started)
    progress = SimpleNamespace(current=SimpleNamespace(processed=batches))
    loop = SimpleNamespace(
        epoch_progress=SimpleNamespace(current=epochs), epoch_loop=SimpleNamespace(batch_progress=progress)
    )
    return SimpleNamespace(global_rank=rank, world_size=world_size, fit_loop=loop)


@pytest.fixture
def data(molecules):
    return MoleculeDataModule(molecules, molecules[:5], Schedule(batch_size=3, accumulate=2))


def smiles(loader):
    return [text for batch in loader for text in batch.smiles]


def test_processes_share_the_molecules(data, molecules):
    parts = []
    for rank in range(2):
        data.trainer = trainer(rank, world_size=2)
        parts.append((smiles(data.train_dataloader()), smiles(data.val_dataloader())))
    given = sorted(molecule.smiles for molecule in molecules)
    assert sorted(parts[0][0] + parts[1][0]) == given
    assert sorted(parts[0][1] + parts[1][1]) == sorted(molecule.smiles for molecule in molecules[:5])
    assert data.steps_per_epoch() == 2  # 6 batches, dealt to 2 processes, 2 an update


def test_training_goes_on_where_it_stopped(data):
    def order(**state):
        data.trainer = trainer(**state)
        return smiles(data.train_dataloader())

    first, second = order(), order(epoch=1, started=1, batches=5)
    assert first != second
    assert sorted(first) == sorted(second)
    rest = order(epoch=0, started=1, batches=2)
    assert rest == first[-len(rest) :]
    assert 14 - len(rest) in (5, 6)  # two batches of at most three
    assert order(epoch=0, started=1, batches=5) == second  # stopped after the last batch


def test_validation_is_always_the_same(data):
    data.trainer = trainer()
    assert smiles(data.val_dataloader()) == smiles(data.val_dataloader())


def test_validation_rows_are_positions_in_the_dataset(data, molecules):
    seen = []
    for rank in range(2):
        data.trainer = trainer(rank, world_size=2)
        loader = data.val_dataloader()
        validating = SimpleNamespace(val_dataloaders=loader, world_size=2)
        for number, batch in enumerate(loader):
            rows = validation_rows(validating, number, batch.num_graphs).tolist()
            assert [molecules[row].smiles for row in rows] == batch.smiles
            seen += rows
    assert sorted(seen) == [0, 1, 2, 3, 4]


def test_other_loaders_have_an_order_in_one_process_only(molecules):
    loader = DataLoader(molecules[:5], batch_size=3)
    alone, two = (SimpleNamespace(val_dataloaders=loader, world_size=size) for size in (1, 2))
    rows = validation_rows(alone, 0, 3).tolist() + validation_rows(alone, 1, 2).tolist()
    assert rows == sorted(set(rows))
    with pytest.raises(ValueError, match="2 processes validate with a DataLoader that may give molecules twice"):
        validation_rows(two, 0, 3)
