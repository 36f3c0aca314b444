from types import SimpleNamespace

import lightning.pytorch as pl
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.conformers import add_missing_conformers
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.training import Machine, MoleculeDataModule, PretrainingModule, Schedule
from pyg_moleblend.training.data import validation_rows
from pyg_moleblend.training.run import fit
from pyg_moleblend.training.trainer import quiet_lightning


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


def test_every_epoch_has_all_molecules_however_many_batches_it_takes():
    sizes = torch.randint(1, 30, (400,), generator=torch.Generator().manual_seed(1)).tolist()
    molecules = [Data(x=torch.zeros(size, 9), number=number) for number, size in enumerate(sizes)]
    data = MoleculeDataModule(molecules, [], Schedule(batch_size=6, max_pairs=1000))
    counts = []
    for epoch in range(4):
        loader = data.train_dataloader()
        loader.batch_sampler.set_epoch(epoch)
        counts.append(len(loader))
    assert counts[0] < max(counts)  # else the test would show nothing
    module = Counting()
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    with quiet_lightning():
        trainer = pl.Trainer(
            accelerator="cpu", max_epochs=4, limit_val_batches=0, use_distributed_sampler=False, **options
        )
        trainer.fit(module, datamodule=data)
    assert [len(batches) for batches in module.seen] == counts
    for batches in module.seen:
        assert sorted(number for batch in batches for number in batch) == list(range(400))


class Counting(pl.LightningModule):
    r"""Keeps which molecules came in each epoch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def on_train_epoch_start(self):
        self.seen.append([])

    def training_step(self, batch, batch_idx):
        self.seen[-1].append(batch.number.tolist())
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


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


def test_training_draws_a_conformer_an_epoch_and_validation_takes_the_first(tmp_path, config):
    table = MoleculeTable(pd.DataFrame({"smiles": ["CC(N)CO", "CCCCC", "OCCCN"] * 2}), progress=False)
    molecules = add_missing_conformers(table, seed=1, conformers=4).molecules
    seen = {"train": [], "valid": []}

    class Watching(PretrainingModule):
        def training_step(self, batch, batch_idx):
            assert "conformers" not in batch
            seen["train"].append({int(data.row): data.pos.clone() for data in batch.to_data_list()})
            return super().training_step(batch, batch_idx)

        def validation_step(self, batch, batch_idx):
            seen["valid"].append({int(data.row): data.pos.clone() for data in batch.to_data_list()})
            super().validation_step(batch, batch_idx)

    schedule, machine = Schedule(epochs=4, batch_size=6), Machine(accelerator="cpu", progress=False)
    module = Watching(MoleBlendForPretraining(config), schedule, seed=3)
    fit(module, molecules, molecules, tmp_path, machine, "valid/loss", "min", {})
    assert len(seen["train"]) == 4
    drawn = torch.zeros(4, 6, dtype=torch.long)
    for epoch, rows in enumerate(seen["train"]):
        for row, pos in rows.items():
            same = (molecules[row].conformers == pos[:, None]).all(-1).all(0)  # [K]
            drawn[epoch, row] = same.nonzero().item()
    assert (drawn != drawn[0]).any()
    for rows in seen["valid"]:
        assert all(torch.equal(pos, molecules[row].pos) for row, pos in rows.items())


def test_an_epoch_is_finished_by_as_many_processes_as_began_it(data):
    data.trainer = trainer(world_size=2)
    state = data.state_dict()
    data.load_state_dict(state)
    data.trainer = trainer(0, world_size=1, started=1, batches=2)
    with pytest.raises(ValueError, match="within an epoch that 2 processes shared, so 1 cannot go on"):
        data.train_dataloader()
    data.trainer = trainer(0, world_size=1, epoch=1, started=1)
    assert len(smiles(data.train_dataloader())) == 14  # a new epoch can be shared again
