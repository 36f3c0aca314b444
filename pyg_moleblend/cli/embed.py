from __future__ import annotations

from typing import Any, Literal


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
    readout: dict[str, Any] | str = "GraphTokenReadout",
    part_rows: int | None = None,
    engine: Literal["local", "ray"] = "local",
) -> None:
    """Compute the representations of molecules, as many as there are: the columns e0, e1, ...

    Rows that cannot be read get empty cells, and their status says why. Results in a folder go on where they were
    interrupted, by the same command.

    Args:
        model: Folder of a model of any kind (RUN/model), a packaged encoder, or a hub repository.
        molecules: A SMILES; the path of a table (.csv, .tsv, .parquet, .sdf, .smi, ...), of a folder of tables, or a
            pattern in quotes, 'library/*.smi.gz'; or - for one SMILES a line of stdin.
        out: Where to write, .csv, .tsv, .parquet, or a folder, for Parquet files beside a manifest; CSV to stdout by
            default.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        id_column: Column of a table's identifiers; rows are numbered from 0 by default.
        modality: Which inputs to use; those of the training by default. With 3D among them, molecules without
            coordinates get a conformer.
        batch_size: Molecules of a batch.
        device: cpu, cuda, ...; auto is a GPU where there is one.
        seed: Seed of the conformers; that of the training molecules' by default, or 0.
        conformers: Conformers to give to a molecule without coordinates; the mean over them is taken.
        num_workers: Processes that read molecules, find conformers and compute, ended where a molecule takes too long;
            0 works in this one, without a deadline. By default one for each GPU, or for each core; none for few
            molecules without 3D.
        max_atoms: Most atoms of a molecule; a larger one gets empty cells, and its status says so.
        readout: What the vectors are made by, a component: EnvironmentReadout, say.
        part_rows: Rows of a file of a folder, which is what an interruption loses at most; 32768 by default.
        engine: Work on this machine, or on a Ray cluster that sees the same files (from .parquet, to a folder).
    """
    from functools import partial

    from pyg_moleblend.cli.component_options import Named
    from pyg_moleblend.cli.screening import screen_molecules
    from pyg_moleblend.inference.embed import load_embedder

    made = Named(readout, "readout")
    screen_molecules(
        partial(load_embedder, model, modality, batch_size, seed=seed, conformers=conformers, readout=made),
        {"verb": "embed", "batch_size": batch_size, "readout": readout},
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
        "embedded",
    )
