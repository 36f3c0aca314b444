from __future__ import annotations

from typing import Literal


def run(
    model: str,
    molecules: str,
    out: str | None = None,
    smiles_column: str | None = None,
    id_column: str | None = None,
    targets: list[str] | str | None = None,
    steps: int = 64,
    modality: Literal["2d", "3d", "2d+3d"] | None = None,
    batch_size: int = 16,
    device: str = "auto",
    seed: int | None = None,
    num_workers: int = 0,
    max_atoms: int = 1000,
    max_drawings: int = 50,
) -> None:
    """Split predictions into what comes of the atoms and of each relation, by integrated gradients.

    A row a molecule and target: the prediction, the baseline (as many blank atoms without relations), what the atoms
    and each relation add to it, and the gap that the quadrature leaves. Rows that cannot be read get empty cells, and
    their status says why.

    Args:
        model: Folder of a run of finetune, of its model, or a hub repository.
        molecules: A SMILES; the path of a table (.csv, .tsv, .parquet, .sdf, .smi, ...), of a folder of tables, or a
            pattern in quotes, 'library/*.smi.gz'; or - for one SMILES a line of stdin.
        out: Folder for attributions.csv and the drawings, which holds nothing yet; the table alone, as CSV to stdout,
            by default.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        id_column: Column of a table's identifiers; rows are numbered from 0 by default.
        targets: Names of the targets, as a,b,c; all by default.
        steps: Nodes of the quadrature; take more where a gap is not small.
        modality: Which inputs to use; those of the fine-tuning by default. With 3D among them, molecules without
            coordinates get a conformer.
        batch_size: Molecules of a batch.
        device: cpu, cuda, ...; auto is a GPU where there is one.
        seed: Seed of the conformers; that of the training molecules' by default, or 0.
        num_workers: Processes that find conformers, ended where a molecule takes too long; 0 works in this one, without
            a deadline.
        max_atoms: Most atoms of a molecule; a larger one gets empty cells, and its status says so.
        max_drawings: Only so many of the first molecules are drawn, an SVG file for each target.
    """
    from pyg_moleblend.cli.data import names_of
    from pyg_moleblend.cli.explanations import check_folder, explain_molecules
    from pyg_moleblend.cli.molecules import read_library
    from pyg_moleblend.inference.attribution import load_attributor

    if max_atoms < 1:
        raise ValueError(f"`max_atoms` must be at least 1, got {max_atoms}")
    if max_drawings < 0:
        raise ValueError(f"`max_drawings` must not be negative, got {max_drawings}")
    if out is not None:
        check_folder(out)
    attributor = load_attributor(model, names_of(targets), steps, modality, batch_size, device, seed)
    library = read_library(molecules, smiles_column, id_column, max_atoms)
    explain_molecules(attributor, library, out, num_workers, max_atoms, max_drawings)
