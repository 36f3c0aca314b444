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
    root: str = "data",
    smiles_column: str | None = None,
    targets: list[str] | str | None = None,
    censored: bool = False,
    kind: Literal["classification", "regression"] | None = None,
    metric: str | None = None,
    split: str | None = None,
    max_molecules: int | None = None,
    conformers: int = 0,
    modality: Literal["2d", "3d", "2d+3d"] = "2d+3d",
    dropouts: dict[str, float] = _DROPOUTS,
    model: MoleBlendConfig = _MODEL,
    relations: dict[str, Any] | None = None,
    readout: dict[str, Any] | str | None = None,
    blending: dict[str, Any] | str | None = None,
    criterion: dict[str, Any] | str | None = None,
    weight_column: str | None = None,
    task_weights: list[float] | None = None,
    class_balance: bool = False,
    schedule: Schedule = FINE_TUNING,
    machine: Machine = _MACHINE,
    patience: int | None = PATIENCE,
    seed: int = 0,
    seeds: int = 1,
    resume: bool = False,
    keep_config: Callable[[Path, bool], None] = lambda folder, resume: None,
) -> None:
    """Train a model to predict properties.

    Args:
        data: Molecules with labels: qm9, moleculenet:NAME, ogb:NAME, pcqm4mv2, a folder that moleblend prepare made, or
            the path of a table (.csv, .tsv, .parquet, .sdf, .smi, ...).
        out: Folder of the run: model, metrics, split, checkpoints, logs, and the configuration.
        encoder: The model to start from: a folder, the name of a packaged one, or a hub repository; none for random
            weights. By default it is moleblend-tiny, or none where a model or relations are given. The hydrogens of its
            training become atoms of a table's molecules.
        root: Folder of the published datasets; they are downloaded into it.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        targets: Targets to learn, as a,b,c; needed for a table, all by default for a published dataset.
        censored: Whether a table's targets may be bounds, <5 or >=10: a prediction within them costs nothing (MSE, MAE,
            Huber), or what it makes improbable (Gaussian). They are not scored.
        kind: What the targets are; by default classification if all labels are 0 or 1.
        metric: What chooses the best epoch: rocauc, ap, f1, mcc, bedroc or ef1 of classes, rmse, mae, r2, spearman or
            kendall of values; by default the dataset's usual one.
        split: A split's name (see moleblend split), or a saved split.json; by default the benchmark's own, scaffold for
            MoleculeNet, random for a table. folds:K is a cross-validation: each of K random folds is the test once, in
            OUT/fold-1 and so on, and OUT/summary.json has mean and standard deviation; folds:K:RULE keeps groups
            together (scaffold, butina, group:COLUMN).
        max_molecules: Take only so many molecules.
        conformers: Conformers to give to each molecule without coordinates; 0 is none. Of several, training draws
            another one in every epoch.
        modality: Which inputs to use; 2d+3d is all that each molecule has.
        dropouts: Dropout probabilities that the loaded encoder is to have (dropout, attention_dropout,
            activation_dropout, drop_path).
        model: The shape of an encoder with random weights.
        relations: Relations beside the paper's three, where no encoder is given, by name: a component, {component:
            NAME, arguments: {...}}, or null to take one away.
        readout: What of the encoder's output the targets are predicted from, a component; the graph token by default.
        blending: What enters of each molecule in training, a component; all that it has by default.
        criterion: How labels are distributed about predictions, a component: MSE, MAE, Huber, Quantile, Gaussian or
            Evidential for values, BCE or Focal for classes; MSE or BCE by default.
        weight_column: Column of a table with a number for each training molecule, by which its loss is multiplied.
        task_weights: A number for each target, likewise, [1, 0.5].
        class_balance: Whether positives and negatives of a target count alike together.
        schedule: How long and how fast.
        machine: What to use of the machine.
        patience: Epochs without a better validation before training stops.
        seed: Everything random follows from it.
        seeds: Train so many times, with seed, seed + 1, ... into OUT/seed-SEED, and write OUT/summary.json with mean
            and standard deviation. The split and the conformers are those of the first seed in all of them.
        resume: Go on with the run that is in the folder.
    """
    import torch

    from pyg_moleblend.chem import Hydrogens
    from pyg_moleblend.cli.component_options import make, make_encoder
    from pyg_moleblend.cli.data import load_data, names_of, say, tell, write_page
    from pyg_moleblend.cli.molecules import hydrogens_of
    from pyg_moleblend.cli.splits import make_folds, make_split, number_of_folds
    from pyg_moleblend.models.config import config_of
    from pyg_moleblend.runtime.files import refuse_overwriting
    from pyg_moleblend.runtime.seeds import derived_seed
    from pyg_moleblend.splits import Split
    from pyg_moleblend.training import finetune, load_encoder
    from pyg_moleblend.training.folder import check_folder, one_run
    from pyg_moleblend.training.problem import kind_of_targets
    from pyg_moleblend.training.repeats import check_folders, describe_summary, fold_names, repeat, seed_names
    from pyg_moleblend.training.strategy import settle_rank

    settle_rank(machine)
    if encoder is None and model == _MODEL and not relations:
        encoder = ENCODER
    encoder = None if encoder == "none" else encoder
    refuse_overwriting(out, data, encoder)
    if seeds < 1:
        raise ValueError(f"`seeds` must be at least 1, got {seeds}")
    folds = number_of_folds(split)
    if folds and seeds > 1:
        raise ValueError(f"a cross-validation has one seed: leave --seeds {seeds} out, or take one split")
    run_names = fold_names(folds) if folds else seed_names(seed, seeds) if seeds > 1 else []
    # Before the configuration of the runs that are there is written over.
    if run_names:
        check_folders(Path(out), run_names, resume)
    else:
        check_folder(Path(out), resume)
    if conformers and modality == "2d":
        raise ValueError(f"--conformers {conformers} is of no use to the modality '2d': leave it out, or take '2d+3d'")
    if encoder is not None and (model != _MODEL or relations):
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
        censored=censored,
    )
    if folds and split:
        kind = kind or kind_of_targets(molecules, names)  # of all labels: a fold may lack some
        splits = make_folds(molecules, split, seed)
        runs = dict(zip(run_names, ((seed, fold) for fold in splits), strict=True))
    else:
        splits = [make_split(molecules, split, seed)]
        runs = dict(zip(run_names, ((seed + number, splits[0]) for number in range(len(run_names))), strict=True))
    weights = _weights(molecules, weight_column, task_weights, class_balance)

    def train(seed: int, chosen: Split, folder: Path, resume: bool) -> dict[str, Any]:
        start: Any = model
        torch.manual_seed(derived_seed(seed, 1))  # of relations and a readout; not what the head is drawn with
        if encoder is not None:
            start = load_encoder(encoder, **cast(Any, dropouts))
        elif relations:
            start = make_encoder(model, relations)
        channels = (model if encoder is None else config_of(start)).channels
        done = finetune(
            molecules,
            chosen,
            folder,
            start,
            targets=names,
            kind=kind,
            metric=metric or getattr(molecules, "metric", None),
            modality=modality,
            schedule=schedule,
            machine=machine,
            patience=patience,
            seed=seed,
            resume=resume,
            readout=None if readout is None else make(readout, "readout", channels=channels),
            blending=drawn,
            criterion=judged,
            weights=weights,
        )
        say(f"model in {done.model_folder}, metrics in {done.folder / 'metrics.json'}")
        write_page(done.folder)
        return done.metrics

    with one_run(Path(out)):
        keep_config(Path(out), resume)
        if not runs:
            results = train(seed, splits[0], Path(out), resume)
        else:
            alike = ("modality",) if folds else ("split", "metric", "modality")
            results = repeat(
                lambda name, folder, resume: train(*runs[name], folder, resume), run_names, Path(out), resume, alike
            )
    for chosen in splits:
        say(f"split: {chosen}")
    for part in ("valid", "test"):
        if part in results and not runs:
            scores = {name: value for name, value in results[part].items() if isinstance(value, float)}
            tell(f"{part}: " + ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
        elif part in results:
            what = f"{folds} folds" if folds else f"{seeds} seeds"
            tell(f"{part}: {describe_summary(results[part])} ({what})")


def _weights(molecules: Any, column: str | None, targets: list[float] | None, balance: bool) -> Any:
    from pyg_moleblend.cli.data import column_of
    from pyg_moleblend.datasets.io.table_columns import number_column
    from pyg_moleblend.training import LabelWeights

    if column is None and targets is None and not balance:
        return None
    own = None
    if column is not None:
        own = number_column(column_of(molecules, column, f"--weight-column {column}").to_frame(), column).tolist()
    return LabelWeights(own, targets, balance)
