import logging
import warnings
from dataclasses import replace
from datetime import timedelta

import pytest

from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.training import MoleculeDataModule, PretrainingModule, Schedule
from pyg_moleblend.training.trainer import LAST, WholeUpdates, check_folder, make_trainer, quiet_lightning


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


def test_folders(tmp_path):
    assert check_folder(tmp_path, resume=False) is None
    with pytest.raises(FileNotFoundError, match="there is no run to resume"):
        check_folder(tmp_path, resume=True)
    (tmp_path / LAST).parent.mkdir()
    (tmp_path / LAST).touch()
    assert check_folder(tmp_path, resume=True) == tmp_path / LAST
    with pytest.raises(ValueError, match="holds a run already"):
        check_folder(tmp_path, resume=False)


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
