r"""Predictions of properties by a saved model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import Tensor

from pyg_moleblend.checkpoints import from_pretrained, read_metadata
from pyg_moleblend.chem import Conformers
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.inference.loaded_model import (
    MAX_ATOMS,
    OWN_COLUMNS,
    LoadedModel,
    conformer_settings,
    free_names,
    table_of,
    target_columns,
)
from pyg_moleblend.inference.quick_predictor import is_quick, load_quick_predictor
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction
from pyg_moleblend.utils.molecules import Modality, check_modality


def predict(
    source: str | Path,
    molecules: MoleculeTable | Sequence[str],
    modality: Modality | None = None,
    batch_size: int = 64,
    device: str = "auto",
    seed: int | None = None,
    conformers: Conformers | int = 1,
    num_workers: int = 0,
    components: Iterable[type] = (),
    max_atoms: int | None = MAX_ATOMS,
    level: float | None = None,
) -> pd.DataFrame:
    r"""Predicts the properties that a model was fitted to.

    Args:
        source: A folder that :func:`~pyg_moleblend.training.finetune` or :func:`~pyg_moleblend.training.fit` wrote, or
            a hub repository.
        molecules: SMILES, which are read with the hydrogens of the training molecules, or a table, which has to have
            been; rows that are no molecule get NaN (a table with ``on_error="skip"`` leaves them out).
        modality: Which inputs to use; those of the fine-tuning by default. If 3D is among them, molecules without
            coordinates get a conformer, which is said in the log; those that RDKit finds none for are predicted
            from 2D, or not at all with ``"3d"``, which their status says.
        batch_size: Molecules of a batch. (default: :obj:`64`)
        device: ``"auto"`` is a GPU where there is one. (default: :obj:`"auto"`)
        seed: Seed of the conformers; that of the training molecules' by default, or 0.
        conformers: How many a molecule without coordinates gets, the other settings being those of the training
            molecules' conformers; or all settings (then ``seed`` is not looked at). (default: :obj:`1`)
        num_workers: Processes that find conformers, each killed where a molecule takes longer than the deadline; 0 is
            this one, without a hard deadline. (default: :obj:`0`)
        components: Classes of your own that the model holds and that are not registered. (default: :obj:`()`)
        max_atoms: Most atoms of a molecule that is given as SMILES; a larger one gets NaN, and its status says so. A
            table has a limit of its own. (default: :obj:`1000`)
        level: Probability that an interval of a quick model holds the true value, of molecules like those of the
            training part; 0.9 by default.

    Returns:
        A row a molecule, in the order given: ``id``, ``smiles``, a column for each target (probabilities, or values
        in the target's unit), and ``status``, ``"ok"`` or what went wrong. A target that is called as one of these is
        the column ``TARGET_predicted``. With several conformers the values are
        means over a molecule's conformers, and a column ``TARGET_std`` for each target has their standard deviation
        (0 for a molecule that has one conformer or none). A quick model has ``TARGET_lower`` and ``TARGET_upper`` of a
        regression, and ``similarity``, see :class:`~pyg_moleblend.quick.QuickPrediction`.

    Raises:
        ValueError: If the model predicts no properties, a table was read with other hydrogens than the training's,
            ``molecules`` is one text or a data frame, or several conformers are asked for and no 3D.
    """
    model = load_predictor(source, modality, batch_size, device, seed, conformers, components, level)
    return model.of_table(table_of(molecules, model.recipe, max_atoms), num_workers)


def load_predictor(
    source: str | Path,
    modality: Modality | None = None,
    batch_size: int = 64,
    device: str = "auto",
    seed: int | None = None,
    conformers: Conformers | int = 1,
    components: Iterable[type] = (),
    level: float | None = None,
) -> LoadedModel:
    r"""What :func:`predict` predicts with; its arguments are those of that function."""
    if is_quick(source):
        return load_quick_predictor(source, modality, batch_size, device, seed, conformers, components, level)
    if level is not None:
        raise ValueError(f"the model in {source} has no intervals: leave the level {level:g} out")
    model, task, recipe, inputs = load_property_model(source, modality, components)

    def compute(batch: Any) -> Tensor:
        return task.restore(model(batch, inputs))

    wanted = conformer_settings(conformers, seed, recipe)
    names = target_columns(task.names)
    deviations = [f"{name}_std" for name in names] if wanted.count > 1 else []
    spread = free_names(deviations, "_of_conformers", {*OWN_COLUMNS, *names})
    dtype = torch.float64 if task.kind == "regression" else torch.float32
    return LoadedModel(compute, names, dtype, [model], recipe, inputs, wanted, spread, batch_size, device)


class PropertyModel(NamedTuple):
    r"""A fine-tuned model and what is known of it.

    Attributes:
        model: The model, in evaluation mode.
        task: What it predicts.
        recipe: How molecules became graphs in training; None where it does not say.
        modality: Which inputs are used.
    """

    model: MoleBlendForPropertyPrediction
    task: Task
    recipe: Recipe | None
    modality: Modality


def load_property_model(
    source: str | Path, modality: Modality | None = None, components: Iterable[type] = ()
) -> PropertyModel:
    r"""A fine-tuned model; its arguments are those of :func:`predict`.

    Raises:
        ValueError: If the model predicts no properties.
    """
    model, metadata = from_pretrained(source, components), read_metadata(source)
    if not isinstance(model, MoleBlendForPropertyPrediction) or "task" not in metadata:
        raise ValueError(
            f"{source} holds a {type(model).__name__} that knows no property: predict with a fine-tuned model, or "
            "embed with this one"
        )
    task, recipe = Task.from_dict(metadata["task"]), Recipe.from_metadata(metadata)
    return PropertyModel(model, task, recipe, check_modality(modality or metadata.get("modality", "2d+3d")))
