from __future__ import annotations

from pathlib import Path


def run(
    table: str,
    out: str | None = None,
    smiles_column: str | None = None,
    num_workers: int = 1,
    deadline: float = 60.0,
    seed: int = 0,
    part_size: int = 500,
    compact: str | None = None,
    progress: bool = True,
) -> None:
    """Label molecules by quantum chemistry (GFN2-xTB): solvation, orbital energies, dipole, charges and bond orders.

    The labels come in parts, in the order of the table, each written once it is complete; the same command goes on
    where it was interrupted. Rows without labels say why.

    Args:
        table: The table: .csv or .tsv (also compressed), .parquet, or .smi or .txt with a SMILES a line.
        out: Folder of the parts; by default the table's name with .quantum, beside it.
        smiles_column: Column of the SMILES; the one that is called so by default.
        num_workers: Processes, of one thread each, ended where a molecule takes too long; 0 works in this one,
            without a deadline.
        deadline: Seconds that a molecule may take.
        seed: Seed of the conformers.
        part_size: Rows of a part, which is what an interruption loses at most.
        compact: File to write all labels to in the end, in reduced precision, .parquet.
        progress: Show a progress bar.
    """
    from pyg_moleblend.cli.data import say, tell
    from pyg_moleblend.datasets.quantum import compute_quantum_labels, write_compact
    from pyg_moleblend.runtime.files import refuse_overwriting

    if compact is not None and not compact.endswith(".parquet"):
        raise ValueError(f"labels are written as .parquet, got {compact!r}")
    folder = Path(table).with_suffix(".quantum") if out is None else Path(out)
    if compact is not None:
        refuse_overwriting(compact, table, folder)
    label = "labelled" if progress else None
    summary = compute_quantum_labels(table, folder, smiles_column, seed, num_workers, deadline, part_size, label)
    tell(f"{summary.rows} rows = {summary.molecules} molecules + {summary.rows - summary.molecules} failures")
    for cause, number in summary.failures.items():
        say(f"{number} × {cause}")
    if compact is not None:
        size = write_compact(folder, compact)
        say(f"{compact}: {size / 1e6:.2f} MB, {size / max(summary.molecules, 1):.0f} bytes a molecule")
