r"""Pretraining, fine-tuning and use of models: functions for the whole job, and the Lightning modules they use."""

from pyg_moleblend.training.conformers import Embedded, embed_missing
from pyg_moleblend.training.data import MoleculeDataModule
from pyg_moleblend.training.evaluation import evaluate, score_model
from pyg_moleblend.training.finetune import finetune, load_encoder
from pyg_moleblend.training.inference import embed, predict
from pyg_moleblend.training.pretrain import pretrain
from pyg_moleblend.training.pretraining import PretrainingModule
from pyg_moleblend.training.property import PropertyModule
from pyg_moleblend.training.recovery_report import RecoveryReport, recovery_report
from pyg_moleblend.training.run import Run
from pyg_moleblend.training.run_batches import run_batches
from pyg_moleblend.training.settings import Machine, Schedule
from pyg_moleblend.training.task import Task
from pyg_moleblend.training.trivial_guess import trivial_guess

__all__ = [
    "Embedded",
    "Machine",
    "MoleculeDataModule",
    "PretrainingModule",
    "PropertyModule",
    "RecoveryReport",
    "Run",
    "Schedule",
    "Task",
    "embed",
    "embed_missing",
    "evaluate",
    "finetune",
    "load_encoder",
    "predict",
    "pretrain",
    "recovery_report",
    "run_batches",
    "score_model",
    "trivial_guess",
]
