from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

from pyg_moleblend.models import MoleBlendConfig
from pyg_moleblend.training import Machine, Schedule
from pyg_moleblend.training.settings import ENCODER, FINE_TUNING, PATIENCE

_MODEL, _MACHINE = MoleBlendConfig(), Machine()
_DROPOUTS = {"drop_path": 0.0}


def run(
    data: str,
    out: str,
    encoder: str | None = None,
    space: dict[str, Any] | None = None,
    trials: int = 20,
    root: str = "data",
    smiles_column: str | None = None,
    targets: list[str] | str | None = None,
    kind: Literal["classification", "regression"] | None = None,
    metric: str | None = None,
    split: str | None = None,
    max_molecules: int | None = None,
    conformers: int = 0,
    modality: Literal["2d", "3d", "2d+3d"] = "2d+3d",
    dropouts: dict[str, float] = _DROPOUTS,
    model: MoleBlendConfig = _MODEL,
    readout: dict[str, Any] | str | None = None,
    blending: dict[str, Any] | str | None = None,
    criterion: dict[str, Any] | str | None = None,
    schedule: Schedule = FINE_TUNING,
    machine: Machine = _MACHINE,
    patience: int | None = PATIENCE,
    seed: int = 0,
    seeds: int = 1,
    keep_config: Callable[[Path, bool], None] = lambda folder, resume: None,
) -> None:
    """Search settings of fine-tuning by validation, then train with the best ones and test once.

    A search that was interrupted goes on with the same command; several processes with the same OUT share it.

    Args:
        data: Molecules with labels, as for moleblend finetune.
        out: Folder of the study: trials.csv, best.yaml for moleblend finetune --config, metrics.json, the final runs in
            best/seed-SEED, and the configuration.
        encoder: The model to start from: a folder, the name of a packaged one, or a hub repository; none for random
            weights. By default it is moleblend-tiny, or none where a model is given.
        space: What is searched, {NAME: [low, high]}, or three or more choices, or {choices: [...]}; by default
            learning_rate, head_ratio, layer_decay, weight_decay, batch_size and dropout.
        trials: How many trials there are to be, with those that are in the folder.
        root: Folder of the published datasets; they are downloaded into it.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        targets: Targets to learn, as a,b,c; needed for a table, all by default for a published dataset.
        kind: What the targets are; by default classification if all labels are 0 or 1.
        metric: What is to be good on the validation molecules: rocauc, ap, f1, mcc, bedroc or ef1 of classes, rmse,
            mae, r2, spearman or kendall of values; by default the dataset's usual one.
        split: A split's name (see moleblend split), or a saved split.json; by default the benchmark's own, scaffold for
            MoleculeNet, random for a table.
        max_molecules: Take only so many molecules.
        conformers: Conformers to give to each molecule without coordinates; 0 is none.
        modality: Which inputs to use; 2d+3d is all that each molecule has.
        dropouts: Dropout probabilities that the loaded encoder is to have where they are not searched (dropout,
            attention_dropout, activation_dropout, drop_path).
        model: The shape of an encoder with random weights.
        readout: What of the encoder's output the targets are predicted from, a component; the graph token by default.
        blending: What enters of each molecule in training, a component; all that it has by default.
        criterion: How labels are distributed about predictions, a component: MSE, MAE, Huber, Quantile, Gaussian or
            Evidential for values, BCE or Focal for classes; MSE or BCE by default.
        schedule: How long each trial is, and the settings that are not searched.
        machine: What to use of the machine, one device; max_minutes are those of the whole call.
        patience: Epochs without a better validation before a training stops.
        seed: Everything random follows from it.
        seeds: Train so many times with the best settings, with seed, seed + 1, ...
    """
    import torch

    from pyg_moleblend.chem import Hydrogens
    from pyg_moleblend.cli.component_options import make
    from pyg_moleblend.cli.data import load_data, names_of, say, tell
    from pyg_moleblend.cli.molecules import hydrogens_of
    from pyg_moleblend.cli.splits import make_split
    from pyg_moleblend.models.config import config_of
    from pyg_moleblend.runtime.files import refuse_overwriting
    from pyg_moleblend.runtime.seeds import derived_seed
    from pyg_moleblend.training import load_encoder, tune
    from pyg_moleblend.training.study import check_study_folder, is_study, require_optuna

    try:
        require_optuna()
    except ImportError as error:
        raise ValueError(str(error)) from error
    if encoder is None and model == _MODEL:
        encoder = ENCODER
    encoder = None if encoder == "none" else encoder
    refuse_overwriting(out, data, encoder)
    check_study_folder(Path(out))
    if conformers and modality == "2d":
        raise ValueError(f"--conformers {conformers} is of no use to the modality '2d': leave it out, or take '2d+3d'")
    if encoder is not None and model != _MODEL:
        raise ValueError("give either `encoder`, whose shape is fixed, or a `model` to start from random weights")
    if encoder is None and dropouts != _DROPOUTS:
        raise ValueError("`dropouts` are those of a loaded encoder; for random weights give them in `model`")
    drawn = None if blending is None else make(blending, "blending")
    judged = None if criterion is None else make(criterion, "criterion")
    names = names_of(targets)
    molecules = load_data(
        data,
        root,
        smiles_column,
        names or (),
        max_molecules,
        conformers,
        seed,
        machine.progress,
        num_workers=machine.num_workers,
        hydrogens=Hydrogens.REMOVE if encoder is None else hydrogens_of(encoder),
    )
    chosen = make_split(molecules, split, seed)
    torch.manual_seed(derived_seed(seed, 1))  # of a readout; not what the head is drawn with
    start: Any = model if encoder is None else load_encoder(encoder, **cast(Any, dropouts))
    channels = (model if encoder is None else config_of(start)).channels
    made = None if readout is None else make(readout, "readout", channels=channels)
    keep_config(Path(out), is_study(Path(out)))
    done = tune(
        molecules,
        chosen,
        out,
        start,
        space,
        trials,
        names,
        kind,
        metric or getattr(molecules, "metric", None),
        modality,
        schedule,
        machine,
        patience,
        seed,
        seeds,
        made,
        drawn,
        judged,
    )
    found = done.metrics["trials"]
    say(
        f"settings in {done.folder / 'best.yaml'}, models in {done.folder / 'best'}, trials in {done.folder}/trials.csv"
    )
    say(f"split: {chosen}")
    counts = ", ".join(f"{found[state]} {state}" for state in ("complete", "pruned", "failed"))
    tell(f"best of {found['looked_at']} trials ({counts}): {done.settings}")
    for part in ("valid", "test"):
        if part in done.metrics:
            tell(f"{part}: {_described(done.metrics[part], seeds)}")


def _described(summary: dict[str, Any], seeds: int) -> str:
    r"""Mean and deviation of what is not given task by task, of one run its values; null is NaN."""
    from math import nan

    from pyg_moleblend.training.repeats import describe_summary

    found = {
        name: {key: nan if value is None else value for key, value in entry.items()}
        for name, entry in summary.items()
        if "mean" in entry
    }
    if seeds > 1:
        return f"{describe_summary(found)} ({seeds} seeds)"
    return ", ".join(f"{name} {entry['mean']:.4f}" for name, entry in found.items())
