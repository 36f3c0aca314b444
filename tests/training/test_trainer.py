import logging
import warnings
from dataclasses import replace

import pytest

from pyg_moleblend.training import Schedule
from pyg_moleblend.training.trainer import LAST, check_folder, make_trainer, quiet_lightning


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
