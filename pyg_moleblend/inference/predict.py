r"""Predictions of properties by a saved model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from pyg_moleblend.checkpoints.model_folder import QUICK, component_name
from pyg_moleblend.chem import Conformers
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.inference.estimate import Estimate
from pyg_moleblend.inference.intervals import common_widths, end_columns, same_inputs
from pyg_moleblend.inference.loaded_model import (
    MAX_ATOMS,
    OWN_COLUMNS,
    LoadedModel,
    conformer_settings,
    free_names,
    table_of,
    target_columns,
)
from pyg_moleblend.inference.property_model import load_property_models
from pyg_moleblend.utils.molecules import Modality


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
            a hub repository. Of a folder of fine-tunings with several seeds all models predict: their mean is taken.
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
        level: Probability that the interval of a regression holds the true value, of molecules like those that its
            width was learnt from: of a quick model's training part, or for the validation of fine-tuning.
            (default: :obj:`0.9`)

    Returns:
        A row a molecule, in the order given: ``id``, ``smiles``, a column for each target (probabilities, or values
        in the target's unit), and ``status``, ``"ok"`` or what went wrong. A target that is called as one of these is
        the column ``TARGET_predicted``. With several conformers the values are means over a molecule's conformers, and
        a column ``TARGET_std`` for each target has their standard deviation (0 for a molecule that has one conformer or
        none; a quick model has no such column); with several models it is that over the models. A model whose criterion
        knows the labels' standard deviation (:class:`~pyg_moleblend.nn.Gaussian`,
        :class:`~pyg_moleblend.nn.Evidential`) has the column always; over conformers and models the variances add.

        A regression has ``TARGET_lower`` and ``TARGET_upper``, where there are enough labels to know how wide an
        interval is to be, and the inputs are those of the training. A quick model's are wider for molecules that it
        knows less of. A fine-tuned model's are learnt from the validation molecules, which have chosen the epoch, too,
        so that they hold a little less than they say; of several models the largest width is taken. They are all of one
        width, unless the model knows standard deviations, of which they are a multiple, or quantiles, which are moved
        (:class:`~pyg_moleblend.nn.Quantile`). A quick model has ``similarity``, too, see
        :class:`~pyg_moleblend.quick.QuickPrediction`.

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
    if component_name(source) == QUICK:
        from pyg_moleblend.inference.quick_predictor import load_quick_predictor  # needs scikit-learn

        return load_quick_predictor(source, modality, batch_size, device, seed, conformers, components, level)
    members = load_property_models(source, modality, components)
    _, task, recipe, inputs, trained, _ = members[0]
    several = len(members) > 1
    if level is not None and task.kind == "classification":
        raise ValueError("a classification has probabilities, and no intervals: leave the level out")
    T = task.num_targets
    widths: dict[int, float] = {}
    if task.kind == "regression" and same_inputs(inputs, trained, level):
        widths = common_widths(task.names, [of.errors for of in members], level)
    bounded = sorted(widths)
    width = torch.tensor([widths.get(place, 0.0) for place in range(T)], dtype=torch.float64)
    wanted = conformer_settings(conformers, seed, recipe)
    spread = wanted.count > 1 and not several
    criterion = members[0].model.criterion
    deviating = spread or several or (criterion is not None and criterion.knows_std)

    def compute(batch: Any) -> Tensor:
        outputs = [Estimate.of_outputs(of.model, of.task, of.model.outputs(batch, inputs)).columns for of in members]
        told = torch.stack(outputs)
        return torch.cat([told.mean(0), told[..., :T].std(0)], 1) if several else told[0]

    def finish(molecules: Any, computed: Tensor) -> Tensor:
        estimate, apart = Estimate.of_columns(computed[:, : 4 * T]), computed[:, 4 * T : 5 * T]
        columns = [estimate.values]
        if deviating:  # of the labels about each prediction, and of the predictions about their mean
            within = torch.where(estimate.variance.isnan(), 0.0, estimate.variance)
            columns.append((within + apart.square() if spread or several else within).sqrt())
        ends = torch.stack(estimate.interval(width.to(computed.dtype)), 2)[:, bounded]
        return torch.cat([*columns, ends.flatten(1)], 1)  # [M, T (+ T) + 2 * bounded]

    names = target_columns(task.names)
    deviations = [f"{name}_std" for name in names] if deviating else []
    suffix = "_of_models" if several else "_of_conformers" if spread else "_of_prediction"
    columns = [*names, *free_names(deviations, suffix, {*OWN_COLUMNS, *names})]
    return LoadedModel(
        compute,
        [*columns, *end_columns(columns, bounded)],
        torch.float64 if task.kind == "regression" else torch.float32,
        [of.model for of in members],
        recipe,
        inputs,
        wanted,
        spread,
        batch_size,
        device,
        finish,
    )
