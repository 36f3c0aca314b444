from __future__ import annotations

from typing import Literal


def run(
    model: str,
    data: str,
    root: str = "data",
    smiles_column: str | None = None,
    split: str | None = None,
    part: Literal["all", "train", "valid", "test"] = "all",
    max_molecules: int | None = None,
    conformers: bool = False,
    modality: Literal["2d", "3d", "2d+3d"] | None = None,
    batch_size: int = 64,
    device: str = "auto",
    seed: int = 0,
    out: str | None = None,
) -> None:
    """Measure a model: a fine-tuned one on labelled molecules, a pretrained one by how it recovers relations.

    Args:
        model: Folder of a model (RUN/model), or a hub repository.
        data: Molecules: qm9, moleculenet:NAME, or the path of a table (.csv, .tsv, .parquet, .sdf).
        root: Folder of the published datasets; they are downloaded into it.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        split: random, scaffold, column:NAME of a table, or a saved split.json; by default QM9's own, scaffold for
            MoleculeNet, random for a table.
        part: The part of the split to take; the split does not matter for all.
        max_molecules: Take only so many molecules.
        conformers: Give a conformer to molecules without coordinates.
        modality: Which inputs to use; those of the fine-tuning by default.
        batch_size: Molecules of a batch.
        device: cpu, cuda, ...; auto is a GPU where there is one.
        seed: Seed of a random split and of the conformers.
        out: Folder for metrics.json.
    """
    import json
    from pathlib import Path

    from pyg_moleblend.checkpoints import read_metadata
    from pyg_moleblend.cli.data import load_data, say
    from pyg_moleblend.cli.splits import make_split
    from pyg_moleblend.training import RecoveryReport, evaluate
    from pyg_moleblend.training.results import plain, write_metrics
    from pyg_moleblend.training.targets import take

    names = read_metadata(model).get("task", {}).get("names", [])
    molecules = load_data(data, root, smiles_column, names, max_molecules, conformers, seed)
    if part != "all":
        chosen = make_split(molecules, split, seed)
        say(f"{part} of the split {chosen}")
        molecules = take(molecules, chosen.as_dict()[part])
        if not len(molecules):
            raise ValueError(f"the part {part!r} of the split is empty")
    result = evaluate(model, molecules, modality, batch_size, device)
    metrics = result.to_dict() if isinstance(result, RecoveryReport) else result
    print(result if isinstance(result, RecoveryReport) else json.dumps(plain(result), indent=2))
    if out is not None:
        say(f"metrics in {write_metrics(Path(out), metrics)}")
