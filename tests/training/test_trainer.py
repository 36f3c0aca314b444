import logging
import sys
import warnings
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import torch
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException

from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.training import MoleculeDataModule, PretrainingModule, Schedule
from pyg_moleblend.training.strategy import is_alone, settle_rank
from pyg_moleblend.training.trainer import AtomicCheckpoints, WholeUpdates, make_trainer, quiet_lightning


def test_only_what_is_irrelevant_is_silent():
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet_lightning():
            warnings.warn("The 'train_dataloader' does not have many workers which may be a bottleneck", stacklevel=1)
            warnings.warn("Something else", stacklevel=1)
            assert not logger.isEnabledFor(logging.INFO)
    assert [str(warning.message) for warning in caught] == ["Something else"]
    assert logger.level == level


def test_what_the_machine_lacks_is_said(tmp_path, machine):
    with quiet_lightning(), pytest.raises(ValueError, match=r"Lightning cannot use Machine\(accelerator='tpu'"):
        make_trainer(tmp_path, Schedule(), replace(machine, accelerator="tpu"), None, "min")


def test_steps_count_rather_than_epochs(tmp_path, machine):
    with quiet_lightning():
        by_steps = make_trainer(tmp_path, Schedule(epochs=3, steps=7), machine, None, "min")
        by_epochs = make_trainer(tmp_path, Schedule(epochs=3), machine, None, "min")
    assert (by_steps.max_epochs, by_steps.max_steps) == (-1, 7)
    assert (by_epochs.max_epochs, by_epochs.max_steps) == (3, -1)


def test_a_run_is_saved_by_steps_or_by_minutes(tmp_path, machine):
    def saver(**changes):
        trainer = make_trainer(tmp_path, Schedule(), replace(machine, **changes), None, "min")
        return next(callback for callback in trainer.callbacks if isinstance(callback, WholeUpdates))

    with quiet_lightning():
        assert saver(checkpoint_steps=7)._every_n_train_steps == 7
        assert saver(checkpoint_minutes=2.0)._train_time_interval.total_seconds() == 120


def test_nothing_is_saved_within_an_update(tmp_path, molecules, config, machine):
    saved = []

    class Noted(WholeUpdates):
        def _save_last_checkpoint(self, trainer, candidates):
            saved.append(trainer.fit_loop.epoch_loop.batch_progress.current.ready)

    schedule = Schedule(epochs=1, batch_size=2, accumulate=3)
    with quiet_lightning():
        trainer = make_trainer(tmp_path, schedule, machine, None, "min")
        trainer.callbacks = [Noted(tmp_path, train_time_interval=timedelta(0), save_last=True)]
        trainer.fit(
            PretrainingModule(MoleBlendForPretraining(config), schedule),
            MoleculeDataModule(molecules, (), schedule, machine),
        )
    assert saved == [3, 6]  # of seven batches


def test_a_checkpoint_is_whole_or_not_there(tmp_path):
    class Unwritable:
        def __reduce__(self):
            raise OSError("no space left on device")

    path = tmp_path / "last.ckpt"
    AtomicCheckpoints().save_checkpoint({"epoch": 1}, path)
    with pytest.raises(OSError, match="no space left"):
        AtomicCheckpoints().save_checkpoint({"epoch": 2, "more": Unwritable()}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_nothing_is_saved_between_an_epochs_last_update_and_its_validation(tmp_path, molecules, config, machine):
    saved = []

    class Noted(WholeUpdates):
        def _save_last_checkpoint(self, trainer, candidates):
            saved.append(trainer.fit_loop.epoch_loop.batch_progress.current.ready)

    schedule = Schedule(epochs=2, batch_size=5)
    with quiet_lightning():
        trainer = make_trainer(tmp_path, schedule, machine, "valid/loss", "min")
        trainer.callbacks = [Noted(tmp_path, every_n_train_steps=1, save_last=True)]
        trainer.fit(
            PretrainingModule(MoleBlendForPretraining(config), schedule),
            MoleculeDataModule(molecules, molecules[:4], schedule, machine),
        )
    assert saved == [1, 2, 1, 2]  # of three batches an epoch


def test_variables_of_a_cluster_do_not_make_a_run_of_one_process_another(tmp_path, machine, monkeypatch):
    cluster = {"NTASKS": 2, "JOB_NAME": "job", "PROCID": 1, "LOCALID": 1, "NODEID": 0, "JOB_ID": 5, "NNODES": 1}
    for name, value in cluster.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    settle_rank(machine)
    assert rank_zero_only.rank == 0
    with quiet_lightning():
        trainer = make_trainer(tmp_path, Schedule(), machine, None, "min")
    assert (trainer.world_size, trainer.global_rank, trainer.is_global_zero) == (1, 0, True)
    assert not is_alone(replace(machine, devices=2))
    assert not is_alone(replace(machine, num_nodes=2))


def test_exit_codes_tell_the_signal():
    def interrupted():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(1)  # as Lightning does

    def ended(code=None):
        raise SIGTERMException if code is None else SystemExit(code)

    for end, code in ((interrupted, 130), (ended, 143), (partial(ended, 7), 7)):
        with pytest.raises(SystemExit) as stopped, quiet_lightning():
            end()
        assert stopped.value.code == code
