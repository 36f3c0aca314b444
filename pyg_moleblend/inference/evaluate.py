from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.checkpoints import from_pretrained, read_metadata
from pyg_moleblend.checkpoints.model_folder import QUICK, component_name
from pyg_moleblend.datasets.recipe import Recipe, check_recipe
from pyg_moleblend.datasets.targets import Labelled, bounds_of, count_flat, labels_of, select_targets
from pyg_moleblend.inference.estimate import Estimate
from pyg_moleblend.inference.recovery_report import RecoveryReport, recovery_report
from pyg_moleblend.inference.run_batches import pick_device, run_batches
from pyg_moleblend.loader import molecule_loader
from pyg_moleblend.metrics.distribution import distribution_scores
from pyg_moleblend.metrics.results import describe_scores
from pyg_moleblend.metrics.task import Task, scores
from pyg_moleblend.models import MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.utils.molecules import Modality, check_modality

_log = logging.getLogger(__name__)


def evaluate(
    source: str | Path,
    molecules: Sequence[Data] | Any,
    modality: Modality | None = None,
    batch_size: int = 64,
    device: str = "auto",
    components: Iterable[type] = (),
) -> dict[str, Any] | RecoveryReport:
    r"""How good a saved model is on labelled molecules, or, for a pretrained one, how well relations are recovered.

    Args:
        source: A folder with a model, or a hub repository.
        molecules: A PyG dataset, or a list of ``Data``; with the model's targets, if it has any.
        modality: Which inputs to use; those of the fine-tuning by default.
        batch_size: Molecules of a batch. (default: :obj:`64`)
        device: ``"auto"`` is a GPU where there is one. (default: :obj:`"auto"`)
        components: Classes of your own that the model holds and that are not registered. (default: :obj:`()`)

    Returns:
        The metrics that fit the model's task by name, in the targets' units (see :func:`score_model`); for a
        pretrained model a :class:`~pyg_moleblend.inference.RecoveryReport`.

    Raises:
        ValueError: If the model is an encoder alone, a target is missing, no molecule has a label, or the molecules
            have other hydrogens than those that it has learnt from.
    """
    metadata = read_metadata(source)
    if component_name(source) == QUICK:
        from pyg_moleblend.inference.quick_predictor import load_quick_predictor  # needs scikit-learn

        predictor = load_quick_predictor(source, modality, batch_size, device, components=components)
        task = Task.from_dict(metadata["task"])
        labelled = _labelled(molecules, task, metadata)
        predictions = predictor.values_of(labelled.molecules)[:, : task.num_targets]
        flat = count_flat(labelled.molecules) if "3d" in predictor.modality else 0
        return score_predictions(task, labelled, Predicted(Estimate.of_values(predictions), flat), predictor.modality)
    model = from_pretrained(source, components)
    model.to(pick_device(device))
    if isinstance(model, MoleBlendForPretraining):
        return recovery_report(model, molecule_loader(molecules, batch_size))
    if not isinstance(model, MoleBlendForPropertyPrediction) or "task" not in metadata:
        raise ValueError(f"{source} holds a {type(model).__name__} that knows no property to evaluate: fine-tune it")
    task = Task.from_dict(metadata["task"])
    labelled = _labelled(molecules, task, metadata)
    modality = check_modality(modality or metadata.get("modality", "2d+3d"))
    return score_model(model, task, labelled, modality, batch_size)


def _labelled(molecules: Any, task: Task, metadata: dict[str, Any]) -> Labelled:
    check_recipe(Recipe.from_metadata(metadata), molecules)
    labelled = select_targets(molecules, task.names)
    if bool(labels_of(labelled).isnan().all()):
        raise ValueError(
            f"none of the {len(molecules)} molecules has a label of {list(task.names)}: nothing to measure"
        )
    return labelled


def score_model(
    model: MoleBlendForPropertyPrediction,
    task: Task,
    labelled: Labelled,
    modality: Modality,
    batch_size: int = 64,
) -> dict[str, Any]:
    r"""The metrics that fit a task, on labelled molecules, as plain values.

    A model that knows standard deviations has ``nll`` and ``crps``, too; see
    :func:`~pyg_moleblend.metrics.distribution.distribution_scores`. Labels that are bounds are not scored;
    ``censored_labels`` counts them, where there are any.

    Where 3D is among the inputs, ``molecules_2d_only`` counts the molecules that were scored without it for want of
    coordinates; the log warns of them.

    Args:
        model: The model, on the device to use; in evaluation mode.
        task: Its task.
        labelled: Molecules with the task's targets; at least one.
        modality: Which inputs to use.
        batch_size: Molecules of a batch. (default: :obj:`64`)
    """
    return score_predictions(task, labelled, predict_labelled(model, task, labelled, modality, batch_size), modality)


class Predicted(NamedTuple):
    r"""Predictions of M labelled molecules.

    Attributes:
        estimate: What is predicted.
        flat: How many were predicted without coordinates.
    """

    estimate: Estimate
    flat: int


def predict_labelled(
    model: MoleBlendForPropertyPrediction, task: Task, labelled: Labelled, modality: Modality, batch_size: int = 64
) -> Predicted:
    r"""Predictions to be scored; the arguments are those of :func:`score_model`."""

    def compute(batch: Any) -> Tensor:
        molecules = model.pack(batch, modality)
        estimate = Estimate.of_outputs(model, task, model.outputs(molecules, modality))
        return torch.cat([estimate.columns, ~molecules.has_3d[:, None]], 1)

    computed = run_batches(compute, labelled.molecules, batch_size, next(model.parameters()).device)
    return Predicted(Estimate.of_columns(computed[:, :-1]), int(computed[:, -1].sum()))


def score_predictions(task: Task, labelled: Labelled, predicted: Predicted, modality: Modality) -> dict[str, Any]:
    r"""As :func:`score_model`, of what has been predicted."""
    counts = {"molecules": len(predicted.estimate.values)}
    if bounds := bounds_of(labelled).total:
        counts["censored_labels"] = bounds
    if "3d" in modality:
        counts["molecules_2d_only"] = predicted.flat
        if predicted.flat:
            _log.warning(
                "%d of %d molecules have no coordinates and are scored from 2D alone, not as modality=%r says; give "
                "them conformers (--conformers 1, or pyg_moleblend.datasets.conformers.add_missing_conformers), or say "
                "modality='2d'",
                predicted.flat,
                counts["molecules"],
                modality,
            )
    return {**counts, **_scored(task, labelled, predicted.estimate)}


def _scored(task: Task, labelled: Labelled, estimate: Estimate) -> dict[str, Any]:
    labels = labels_of(labelled)
    if odd := int((~estimate.values.isfinite()).any(1).sum()):
        raise ValueError(
            f"the model gives no finite prediction for {odd} of {len(labels)} molecules: its training diverged, or its "
            "weights are damaged; train it again, with a lower learning rate say"
        )
    found = scores(task, labels, estimate.values)
    if not bool(estimate.variance.isnan().all()):
        found |= distribution_scores(labels, estimate.values, estimate.scale)
    return describe_scores(found, task.names)
