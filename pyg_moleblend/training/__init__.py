r"""Pretraining, fine-tuning and quick fits: functions for the whole job, and the Lightning modules they use.

What is done with a trained model is next door, in :mod:`pyg_moleblend.inference`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.training.data import MoleculeDataModule
    from pyg_moleblend.training.finetune import finetune, load_encoder
    from pyg_moleblend.training.label_weights import LabelWeights
    from pyg_moleblend.training.pretrain import pretrain
    from pyg_moleblend.training.pretraining import PretrainingModule
    from pyg_moleblend.training.property import PropertyModule
    from pyg_moleblend.training.quick import QuickRun, fit
    from pyg_moleblend.training.run import Run
    from pyg_moleblend.training.settings import Machine, Schedule
    from pyg_moleblend.training.statistics import fit_statistics
    from pyg_moleblend.training.tune import Tuned, tune

__all__ = [
    "LabelWeights",
    "Machine",
    "MoleculeDataModule",
    "PretrainingModule",
    "PropertyModule",
    "QuickRun",
    "Run",
    "Schedule",
    "Tuned",
    "finetune",
    "fit",
    "fit_statistics",
    "load_encoder",
    "pretrain",
    "tune",
]

export_lazily(__name__)
