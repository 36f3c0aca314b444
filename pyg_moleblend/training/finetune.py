from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.checkpoints import encoder_from_pretrained, save_pretrained
from pyg_moleblend.components import describe
from pyg_moleblend.datasets.recipe import RECIPE_KEY, recipe_of
from pyg_moleblend.datasets.targets import names_of, rows_of, with_column
from pyg_moleblend.inference.estimate import Estimate
from pyg_moleblend.inference.evaluate import predict_labelled, score_predictions
from pyg_moleblend.inference.intervals import (
    ERRORS_KEY,
    LEVEL,
    coverage,
    errors_to_save,
    interval_widths,
    saved_errors,
)
from pyg_moleblend.metrics import TaskType
from pyg_moleblend.metrics.predictions import PartPredictions, write_predictions
from pyg_moleblend.metrics.results import write_metrics
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.models import MoleBlend, MoleBlendConfig, MoleBlendForPropertyPrediction
from pyg_moleblend.models.config import config_of
from pyg_moleblend.nn import Blending, Criterion, Readout
from pyg_moleblend.runtime.processes import wait_for_all
from pyg_moleblend.splits import Split
from pyg_moleblend.training.folder import BEST, one_run
from pyg_moleblend.training.label_weights import LabelWeights
from pyg_moleblend.training.problem import digest, pose
from pyg_moleblend.training.property import PropertyModule
from pyg_moleblend.training.run import MODEL_FOLDER, Run, fit, load_best
from pyg_moleblend.training.settings import ENCODER, FINE_TUNING, PATIENCE, Machine, Schedule
from pyg_moleblend.training.strategy import settle_rank
from pyg_moleblend.utils import Modality


def load_encoder(source: str | Path, components: Iterable[type] = (), **dropouts: float) -> Any:
    r"""The encoder of a saved model, to be fine-tuned.

    Args:
        source: A folder with a model of any kind, or a hub repository.
        components: Classes of your own that the encoder holds and that are not registered. (default: :obj:`()`)
        dropouts: Dropout probabilities that the configuration is to have from now on: ``dropout``,
            ``attention_dropout``, ``activation_dropout``, ``drop_path``. Published is ``drop_path=0``
            (arXiv 2307.06235, appendix).

    Raises:
        ValueError: If another field of the configuration is to change.
    """
    encoder = encoder_from_pretrained(source, components).train()
    if dropouts and not isinstance(encoder, MoleBlend):
        raise ValueError(f"{source} holds a {type(encoder).__name__}, whose dropouts are fixed: leave {dropouts} out")
    if dropouts:
        encoder.set_dropouts(**dropouts)
    return encoder


def finetune(
    molecules: Sequence[Data] | Any,
    split: Split,
    out: str | Path,
    encoder: nn.Module | MoleBlendConfig | None = None,
    targets: Sequence[str] | None = None,
    kind: TaskType | None = None,
    metric: str | None = None,
    modality: Modality = "2d+3d",
    schedule: Schedule | None = None,
    machine: Machine | None = None,
    patience: int | None = PATIENCE,
    seed: int = 0,
    resume: bool = False,
    readout: Readout | None = None,
    blending: Blending | None = None,
    criterion: Criterion | None = None,
    weights: LabelWeights | None = None,
    callbacks: Sequence[Callback] = (),
) -> Run[MoleBlendForPropertyPrediction]:
    r"""Fine-tunes an encoder to properties (arXiv 2307.06235, section 4.2), and tests the best epoch's model.

    Args:
        molecules: A PyG dataset or a list of ``Data``, with ``y`` ``[1, T]``, NaN where there is no label.
        split: Which of them are for training, for choosing the epoch, and for the test.
        out: Folder of the run: ``model/`` for :func:`~pyg_moleblend.inference.predict`, ``metrics.json``,
            ``predictions.csv`` of validation and test, ``split.json``, ``checkpoints/``, and the course of training in
            ``csv/`` and ``tensorboard/``.
        encoder: The encoder to start from (:func:`load_encoder`), which is not changed, or the configuration of
            a fresh one; the packaged ``moleblend-tiny`` by default.
        targets: Targets to learn, by name; all by default.
        kind: ``"classification"`` or ``"regression"``; by default classification if all labels are 0 or 1.
        metric: What chooses the best epoch; by default the usual metric of the kind, or the loss where the validation
            labels do not allow that one.
        modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).
            (default: :obj:`"2d+3d"`)
        schedule: How long and how fast; :data:`~pyg_moleblend.training.settings.FINE_TUNING` by default.
        machine: What to use of the machine. (default: :obj:`None`)
        patience: Epochs without a better validation before training stops. (default: :obj:`10`)
        seed: Everything random follows from it. (default: :obj:`0`)
        resume: Whether to go on from the folder's last checkpoint, with what the run was begun with.
            (default: :obj:`False`)
        readout: What of the encoder's output the targets are predicted from, which is not changed; the graph token by
            default.
        blending: Draws in training what enters of each molecule; see
            :class:`~pyg_moleblend.models.MoleBlendForPropertyPrediction`. (default: :obj:`None`)
        criterion: How labels are distributed about predictions, and so the loss: squared errors
            (:class:`~pyg_moleblend.nn.MSE`) or cross entropy (:class:`~pyg_moleblend.nn.BCE`) by default.
        weights: How much each label counts in training; all alike by default.
        callbacks: Callbacks of Lightning that look on, or stop the training by an error. (default: :obj:`()`)

    Raises:
        FileNotFoundError: If there is nothing to resume.
        ValueError: If targets, metric, labels and split do not fit each other, a run that is not to be resumed is in
            the folder, or one that was begun with other things, another run is at work in it, or the model could not
            be saved.
    """
    out, schedule, machine = Path(out), schedule or FINE_TUNING, machine or Machine()
    settle_rank(machine)
    pl.seed_everything(seed, verbose=False)
    problem = pose(molecules, split, targets, kind, metric, modality)
    labelled, parts, labels, task = problem.labelled, problem.parts, problem.labels, problem.task
    metric, modality = problem.metric, problem.modality
    facts = problem.facts()
    if weights is not None:
        if not isinstance(weights, LabelWeights):
            raise ValueError(
                f"`weights` must be LabelWeights, LabelWeights([1.0, ...]) say, got {type(weights).__name__}"
            )
        of_labels = weights.of(task, labels["train"], split.train, len(molecules), rows_of(molecules, split.train))
        parts = {**parts, "train": with_column(parts["train"], "label_weight", of_labels)}
        facts["weights"] = digest(of_labels)

    recipe = recipe_of(molecules)
    if not isinstance(encoder, nn.Module):
        encoder = load_encoder(ENCODER, drop_path=0.0) if encoder is None else MoleBlend(encoder)
    encoder, readout, criterion = copy.deepcopy((encoder, readout, criterion))
    model = MoleBlendForPropertyPrediction(config_of(encoder), task.num_targets, encoder, readout, blending, criterion)
    module = PropertyModule(model, task, schedule, modality, seed, metric)
    if problem.bounds.total and not module.criterion.takes_bounds:
        raise ValueError(
            f"{problem.bounds.total} labels are bounds, from which {module.criterion!r} does not learn: take MSE, MAE, "
            "Huber or Gaussian, or leave these labels out"
        )
    facts["model"] = describe(model)  # what cannot be saved is said before the training
    with one_run(out):
        monitor = f"valid/{metric}"
        if patience == PATIENCE and not len(parts["valid"]):
            patience = None  # nobody asked for it
        trainer, _ = fit(
            module,
            parts["train"],
            parts["valid"],
            out,
            machine,
            monitor,
            problem.mode,
            facts,
            patience,
            resume,
            callbacks,
        )
        if (out / BEST).is_file() and len(parts["valid"]):
            load_best(module, out / BEST)
        model.to(trainer.strategy.root_device).eval()
        metrics: dict[str, Any] = {
            "seed": seed,
            "split": str(split),
            "metric": metric,
            "modality": modality,
            "train_molecules": len(parts["train"]),
        }
        errors: dict[str, Any] = {}
        told: list[PartPredictions] = []
        for part in ("valid", "test"):
            if len(parts[part]):
                labelled_part = labelled._replace(molecules=parts[part])
                predicted = predict_labelled(model, task, labelled_part, modality, schedule.batch_size)
                metrics[part] = score_predictions(task, labelled_part, predicted, modality)
                if part == "valid" and task.kind == "regression":
                    errors[ERRORS_KEY] = errors_to_save(labels[part], predicted.estimate)
                elif errors and (held := _coverage(task, errors, labels[part], predicted.estimate)):
                    metrics[part]["intervals"] = {"level": LEVEL, "targets": held}
                values = {"label": labels[part].numpy(), "prediction": predicted.estimate.values.numpy()}
                rows = rows_of(molecules, split.as_dict()[part])
                told.append(PartPredictions(part, rows.numpy(), names_of(parts[part]), values, {}))
        model.cpu()
        if trainer.is_global_zero:
            split.save(out / "split.json", getattr(molecules, "row", None), names_of(molecules))
            metadata = {"task": task.to_dict(), "modality": modality, "split": str(split), "seed": seed, **errors}
            if recipe is not None:
                metadata[RECIPE_KEY] = recipe.to_dict()
            save_pretrained(model, out / MODEL_FOLDER, metadata)
            write_predictions(out, task.names, told)
            write_metrics(out, metrics)
        wait_for_all()
    return Run(model, metrics, out)


def _coverage(task: Task, errors: dict[str, Any], labels: Tensor, estimate: Estimate) -> dict[str, Any]:
    widths = interval_widths(task.names, saved_errors(errors, task.num_targets), None)
    width = torch.tensor([widths.get(place, torch.nan) for place in range(task.num_targets)], dtype=torch.double)
    lower, upper = estimate.interval(width)
    return coverage(task.names, labels.numpy(), lower.numpy(), upper.numpy())
