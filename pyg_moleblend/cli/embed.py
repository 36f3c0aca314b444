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
    num_workers: int = 1,
    max_atoms: int = 1000,
    readout: dict[str, Any] | str = "GraphTokenReadout",
) -> None:
    """Compute the representations of molecules, the columns e0, e1, ...

    Rows that cannot be read get empty cells, and their status says why.

    Args:
        model: Folder of a model of any kind (RUN/model), or a hub repository.
        molecules: A SMILES, the path of a table (.csv, .tsv, .parquet, .sdf, .smi, ...), or - for one SMILES a line of
            stdin.
        out: Where to write, .csv, .tsv or .parquet; CSV to stdout by default.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        id_column: Column of a table's identifiers; rows are numbered from 0 by default.
        modality: Which inputs to use; those of the training by default. With 3D among them, molecules without
            coordinates get a conformer.
        batch_size: Molecules of a batch.
        device: cpu, cuda, ...; auto is a GPU where there is one.
        seed: Seed of the conformers; that of the training molecules' by default, or 0.
        conformers: Conformers to give to a molecule without coordinates; the mean over them is taken.
        num_workers: Processes that find conformers, ended where a molecule takes too long; 0 works in this one,
            without a hard deadline.
        max_atoms: Most atoms of a molecule; a larger one gets empty cells, and its status says so.
        readout: What the vectors are made by, a component: EnvironmentReadout, say.
    """
    from pyg_moleblend.cli.component_options import make
    from pyg_moleblend.cli.molecules import check_output, hydrogens_of, read_input, write_results
    from pyg_moleblend.inference import embed

    check_output(out, molecules, model)
    table = read_input(molecules, smiles_column, id_column, hydrogens_of(model), max_atoms)

    def made(channels: int) -> Any:
        return make(readout, "readout", channels=channels)

    vectors = embed(model, table, modality, batch_size, device, seed, conformers, num_workers, readout=made)
    write_results(vectors, out, "embedded")
