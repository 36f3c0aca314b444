from __future__ import annotations

from typing import Literal


def run(
    model: str,
    molecules: str,
    out: str | None = None,
    smiles_column: str | None = None,
    id_column: str | None = None,
    modality: Literal["2d", "3d", "2d+3d"] | None = None,
    batch_size: int = 64,
    device: str = "auto",
    seed: int | None = None,
    conformers: int = 1,
    num_workers: int | None = None,
    max_atoms: int = 1000,
    top: int | None = None,
    by: str | None = None,
    lowest: bool = False,
    part_rows: int | None = None,
    engine: Literal["local", "ray"] = "local",
    level: float | None = None,
) -> None:
    """Predict properties of molecules, as many as there are.

    Rows that cannot be read get empty cells, and their status says why. Results in a folder go on where they were
    interrupted, by the same command.

    Args:
        model: Folder of a run of fit or finetune, with one seed or several, whose mean is taken; or of a model; or a
            hub repository.
        molecules: A SMILES; the path of a table (.csv, .tsv, .parquet, .sdf, .smi, ...), of a folder of tables, or a
            pattern in quotes, 'library/*.smi.gz'; or - for one SMILES a line of stdin.
        out: Where to write, .csv, .tsv, .parquet, or a folder, for Parquet files beside a manifest; CSV to stdout by
            default.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        id_column: Column of a table's identifiers; rows are numbered from 0 by default.
        modality: Which inputs to use; those of the fine-tuning by default. With 3D among them, molecules without
            coordinates get a conformer.
        batch_size: Molecules of a batch.
        device: cpu, cuda, ...; auto is a GPU where there is one.
        seed: Seed of the conformers; that of the training molecules' by default, or 0.
        conformers: Conformers to give to a molecule without coordinates; the mean over them is taken. The columns
            TARGET_std have the standard deviation over them.
        num_workers: Processes that read molecules, find conformers and compute, ended where a molecule takes too long;
            0 works in this one, without a deadline. By default one for each GPU, or for each core; none for few
            molecules without 3D.
        max_atoms: Most atoms of a molecule; a larger one gets empty cells, and its status says so.
        top: Keep only so many of the best, the best first; in a folder in the file top.parquet.
        by: The target that tells which are the best; not needed where there is one.
        lowest: Whether the lowest values are the best.
        part_rows: Rows of a file of a folder, which is what an interruption loses at most; 32768 by default.
        engine: Work on this machine, or on a Ray cluster that sees the same files (from .parquet, to a folder).
        level: Probability that the true value of a regression lies between TARGET_lower and TARGET_upper, for molecules
            like those that the model has learnt from; 0.9 by default.
    """
    from functools import partial

    from pyg_moleblend.checkpoints import read_metadata
    from pyg_moleblend.cli.screening import screen_molecules
    from pyg_moleblend.inference.loaded_model import target_columns
    from pyg_moleblend.inference.predict import load_predictor
    from pyg_moleblend.inference.screening.top import Top
    from pyg_moleblend.metrics.task import Task

    if top is None and (by is not None or lowest):
        raise ValueError("--by and --lowest say which molecules --top keeps: name how many (--top)")
    best = None
    if top is not None and (task := read_metadata(model).get("task")) is not None:
        best = Top(top, Top(top, by).column(target_columns(Task.from_dict(task).names)), lowest)
    screen_molecules(
        partial(load_predictor, model, modality, batch_size, seed=seed, conformers=conformers, level=level),
        {"verb": "predict", "batch_size": batch_size, **({} if level is None else {"level": level})},
        model,
        molecules,
        out,
        smiles_column,
        id_column,
        modality,
        device,
        seed,
        conformers,
        num_workers,
        max_atoms,
        part_rows,
        engine,
        "predicted",
        best,
    )
