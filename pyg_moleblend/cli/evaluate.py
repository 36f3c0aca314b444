from __future__ import annotations

from typing import Literal


def run(
    model: str,
    data: str,
    root: str = "data",
    smiles_column: str | None = None,
    censored: bool = False,
    split: str | None = None,
    part: Literal["all", "train", "valid", "test"] = "all",
    max_molecules: int | None = None,
    conformers: int = 0,
    modality: Literal["2d", "3d", "2d+3d"] | None = None,
    batch_size: int = 64,
    device: str = "auto",
    seed: int | None = None,
    out: str | None = None,
) -> None:
    """Measure a model: a fine-tuned one on labelled molecules, a pretrained one by how it recovers relations.

    Args:
        model: Folder of a model (RUN/model), or a hub repository; or several, as A,B,C, or the folder of a finetuning
            with several seeds or folds, for the mean and standard deviation over them.
        data: Molecules: qm9, moleculenet:NAME, ogb:NAME, pcqm4mv2, a folder that moleblend prepare made, or the path of
            a table (.csv, .tsv, .parquet, .sdf, .smi, ...).
        root: Folder of the published datasets; they are downloaded into it.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        censored: Whether a table's targets may be bounds, <5 or >=10, which are not scored.
        split: A split's name (see moleblend split), or a saved split.json; by default the benchmark's own, scaffold for
            MoleculeNet, random for a table.
        part: The part of the split to take; the split does not matter for all.
        max_molecules: Take only so many molecules.
        conformers: Conformers to give to each molecule without coordinates; 0 is none. The first is scored.
        modality: Which inputs to use; those of the fine-tuning by default.
        batch_size: Molecules of a batch.
        device: cpu, cuda, ...; auto is a GPU where there is one.
        seed: Seed of a random split, 0 by default, and of the conformers, by default that of the training molecules'.
        out: Folder for metrics.json.
    """
    import json
    from pathlib import Path

    from pyg_moleblend.checkpoints import read_metadata
    from pyg_moleblend.cli.data import load_data, say, tell
    from pyg_moleblend.cli.splits import make_split
    from pyg_moleblend.datasets.recipe import Recipe
    from pyg_moleblend.datasets.targets import take
    from pyg_moleblend.inference import RecoveryReport, evaluate
    from pyg_moleblend.inference.loaded_model import conformer_settings
    from pyg_moleblend.metrics import Task
    from pyg_moleblend.metrics.results import METRICS_FILE, plain, write_metrics
    from pyg_moleblend.runtime.files import refuse_overwriting
    from pyg_moleblend.training.repeats import describe_summary, summarise

    models = models_of(model)
    if out is not None:
        theirs = [Path(one).parent / METRICS_FILE for one in models]  # of the runs that made them
        refuse_overwriting(Path(out) / METRICS_FILE, data, *models, *theirs)
    metadata = read_metadata(models[0])
    if part != "all" and len({read_metadata(one).get("split") for one in models}) > 1:
        raise ValueError(
            f"the models in {model} were trained on different splits: the part {part!r} of any one holds training "
            "molecules of the others. Evaluate each on its own split (RUN/fold-1 --split RUN/fold-1/split.json; their "
            "test scores are in RUN/summary.json), or all of them on molecules that none has seen, with --part all"
        )
    task = metadata.get("task")
    names = [] if task is None else Task.from_dict(task).names
    if conformers and names and (modality or metadata.get("modality")) == "2d":
        raise ValueError(f"--conformers {conformers} is of no use to the modality '2d': leave it out, or take '2d+3d'")
    recipe = Recipe.from_metadata(metadata) or Recipe()
    wanted = conformer_settings(conformers, seed, recipe) if conformers else 0
    molecules = load_data(
        data, root, smiles_column, names, max_molecules, wanted, hydrogens=recipe.hydrogens, censored=censored
    )
    if part != "all":
        chosen = make_split(molecules, split, seed or 0)
        say(f"{part} of the split {chosen}")
        molecules = take(molecules, chosen.as_dict()[part])
        if not len(molecules):
            raise ValueError(f"the part {part!r} of the split is empty")
    if len(models) == 1:
        result = evaluate(models[0], molecules, modality, batch_size, device)
        metrics = result.to_dict() if isinstance(result, RecoveryReport) else result
        tell(result if isinstance(result, RecoveryReport) else json.dumps(plain(result), indent=2))
    else:
        each = {source: evaluate(source, molecules, modality, batch_size, device) for source in models}
        runs = [result.to_dict() if isinstance(result, RecoveryReport) else result for result in each.values()]
        metrics = {"models": dict(zip(models, runs, strict=True)), "summary": summarise(runs)}
        tell(json.dumps(plain(metrics), indent=2))
        say(f"{describe_summary(metrics['summary'])} ({len(models)} models)")
    if out is not None:
        say(f"metrics in {write_metrics(Path(out), metrics)}")


def models_of(model: str) -> list[str]:
    r"""The models that a word names: one, several with commas between them, or the runs of a folder.

    Raises:
        ValueError: If one is named twice.
    """
    from pathlib import Path

    from pyg_moleblend.checkpoints.model_folder import members_of

    if Path(model).is_dir():
        return [str(member) for member in members_of(model)]
    models = [name.strip() for name in model.split(",")]
    if len(set(models)) < len(models):
        raise ValueError(f"each model can be named once, got {model!r}")
    return models
