r"""What can stand in a table: the ECFP floor, or a MoleBLEND encoder that is fine-tuned."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from benchmarks.ecfp import Forest, fingerprints
from pyg_moleblend.checkpoints import from_pretrained
from pyg_moleblend.cli.app import make_parser, normalise
from pyg_moleblend.datasets import MoleculeDataset
from pyg_moleblend.metrics import METRICS, Evaluator
from pyg_moleblend.models import MoleBlend
from pyg_moleblend.splits import Split
from pyg_moleblend.training import finetune, load_encoder
from pyg_moleblend.training.folder import LAST

OPTIONS = ("schedule", "machine", "model", "dropouts", "patience", "modality")
r"""Options of ``moleblend finetune`` that may be given; the others are the table's."""


class Model(Protocol):
    r"""What is measured on a dataset."""

    def to_dict(self) -> dict[str, Any]:
        r"""Everything that the numbers depend on besides data, split and seed, as JSON."""
        ...

    def measure(self, molecules: MoleculeDataset, split: Split, metric: str, seed: int, folder: Path) -> dict[str, Any]:
        r"""Trains on a split and tests.

        Args:
            molecules: The molecules with their targets.
            split: Which of them are for training, for choosing the epoch, and for the test.
            metric: What to measure.
            seed: Everything random follows from it.
            folder: Where a run may leave its files.

        Returns:
            ``value`` on the test molecules, ``valid_value`` on those for validation, ``tasks``, ``n_tasks_scored`` of
            the test, and what else is worth knowing.
        """
        ...


class EcfpForest:
    r"""The floor. It is trained on the training molecules only: it has nothing to choose by validation.

    Args:
        forest: Its settings.
        num_jobs: Threads.
    """

    def __init__(self, forest: Forest, num_jobs: int = 1) -> None:
        self.forest = forest
        self.num_jobs = num_jobs

    def to_dict(self) -> dict[str, Any]:
        return self.forest.to_dict()

    def measure(self, molecules: MoleculeDataset, split: Split, metric: str, seed: int, folder: Path) -> dict[str, Any]:
        prints, labels = fingerprints(tuple(molecules.smiles)), molecules.y.double().numpy()
        train, valid, test = (positions.numpy() for positions in split.as_dict().values())
        held_out = torch.cat([split.valid, split.test]).numpy()
        predictions, constant = self.forest.fit_predict(
            prints.bits[train],
            labels[train],
            prints.bits[held_out],
            METRICS[metric].task_type,
            seed,
            self.num_jobs,
        )
        evaluator = Evaluator(metric)
        score = evaluator(y_true=labels[test], y_pred=predictions[len(valid) :])
        return {
            "value": score.value,
            "valid_value": evaluator(y_true=labels[valid], y_pred=predictions[: len(valid)]).value,
            "tasks": labels.shape[1],
            "n_tasks_scored": score.num_tasks_scored,
            "tasks_predicted_constant": constant,
            "molecules_without_fingerprint": len(prints.missing),
        }


class FineTuned:
    r"""A MoleBLEND encoder, fine-tuned with the settings of a configuration of ``moleblend finetune``.

    Args:
        source: Folder of a pretrained model, or ``"random"`` for random weights.
        config: YAML file of the settings.
        options: More options of ``moleblend finetune``, which win: ``["--schedule.epochs", "10"]``.

    Raises:
        ValueError: If an option is not for training.
    """

    def __init__(self, source: str, config: Path, options: Sequence[str] = ()) -> None:
        parser, _ = make_parser("finetune")
        words = normalise(list(options), parser)
        if unknown := [word for word in words if word.startswith("--") and not word[2:].startswith(OPTIONS)]:
            raise ValueError(f"unknown options {unknown}; options of moleblend finetune may be of {OPTIONS}")
        parsed = parser.parse_args(["--config", str(config), "--out", "runs", *words])
        self.settings = parser.instantiate(parsed).as_dict()
        if source == "random":
            model = replace(self.settings["model"], **self.settings["dropouts"])
            self.encoder: MoleBlend | Any = model
            self.description = {"name": "MoleBLEND, random weights"}
        else:
            self.encoder = load_encoder(source, **self.settings["dropouts"])
            self.description = {"name": "MoleBLEND, pretrained", "weights": _digest(source)}

    def to_dict(self) -> dict[str, Any]:
        config = self.encoder.config if isinstance(self.encoder, MoleBlend) else self.encoder
        return {
            **self.description,
            "config": asdict(config),
            "schedule": asdict(self.settings["schedule"]),
            "modality": self.settings["modality"],
            "patience": self.settings["patience"],
            "precision": self.settings["machine"].precision,
        }

    def measure(self, molecules: MoleculeDataset, split: Split, metric: str, seed: int, folder: Path) -> dict[str, Any]:
        names = ("modality", "schedule", "machine", "patience")
        run = finetune(
            molecules,
            split,
            folder,
            self.encoder,
            kind=METRICS[metric].task_type,
            metric=metric,
            seed=seed,
            resume=(folder / LAST).is_file(),
            **{name: self.settings[name] for name in names},
        )
        tasks = len(molecules.target_names)
        test = run.metrics["test"]
        return {
            "value": test[metric],
            "valid_value": run.metrics["valid"][metric],
            "tasks": tasks,
            "n_tasks_scored": test.get(f"{metric}_tasks_scored", int(test[metric] == test[metric])),
            "modality": run.metrics["modality"],
        }


def _digest(source: str) -> str:
    r"""16 digits that tell these weights from others, whatever their folder is called."""
    state = from_pretrained(source).state_dict()
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + state[name].contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
