from __future__ import annotations

from pathlib import Path
from typing import Literal

_DEADLINE = 10.0  # seconds


def run(
    table: str,
    out: str | None = None,
    smiles_column: str | None = None,
    targets: list[str] | str | None = None,
    ids: str | None = None,
    hydrogens: Literal["remove", "keep", "add"] = "remove",
    conformers: int = 0,
    optimize: bool = False,
    deadline: float = _DEADLINE,
    seed: int = 0,
    num_workers: int | None = None,
    shard_size: int | None = None,
    engine: Literal["local", "ray"] = "local",
    on_error: Literal["skip", "raise"] = "skip",
    progress: bool = True,
) -> None:
    """Turn a table of molecules, of any size, into a folder that pretrain, finetune and evaluate read (--data FOLDER).

    The same command goes on where it was interrupted.

    Args:
        table: The table: .csv or .tsv, .parquet, .feather, .sdf, .mol2, or .smi or .txt with a SMILES a line; text may
            be compressed.
        out: Folder to make; by default the table's name with .shards, beside it.
        smiles_column: Column of the SMILES; the one that is called so by default.
        targets: Columns of numbers that are to be the labels, as a,b,c.
        ids: Column of identifiers to keep; "name" is what stands behind the SMILES in a .smi file.
        hydrogens: Which hydrogens become atoms.
        conformers: Conformers to give to each molecule without coordinates; 0 is none.
        optimize: Relax the conformers by MMFF94.
        deadline: Seconds that each attempt at a molecule's conformers may take.
        seed: Seed of the conformers.
        num_workers: Processes that work at the same time; all cores by default.
        shard_size: Rows of a shard, which is what an interruption loses at most; 16384 by default.
        engine: Work on this machine, or on a Ray cluster that sees the same files (for .parquet tables).
        on_error: Leave out rows that are no molecule, and list them in failures.csv, or end with an error.
        progress: Show a progress bar.
    """
    from pyg_moleblend.chem.conformers import Conformers
    from pyg_moleblend.cli.data import names_of, say, tell
    from pyg_moleblend.datasets.shards.build import SHARD_SIZE
    from pyg_moleblend.datasets.shards.folder import FAILURES_FILE
    from pyg_moleblend.datasets.shards.prepare import prepare
    from pyg_moleblend.runtime.worker_pool import all_cores

    if conformers < 0:
        raise ValueError(f"conformers must be 0 or more, got {conformers}")
    if optimize and not conformers:
        raise ValueError("--optimize relaxes conformers, and none are to be made: give --conformers 1 or more")
    if not conformers and (seed or deadline != _DEADLINE):
        say("--seed and --deadline are of conformers, and none are to be made: they have no effect")
    folder = Path(out) if out is not None else Path(table).with_suffix(".shards")
    settings = Conformers(seed, conformers, optimize, deadline) if conformers else None
    manifest = prepare(
        table,
        folder,
        smiles_column,
        names_of(targets) or (),
        ids,
        hydrogens,
        settings,
        on_error,
        all_cores() if num_workers is None else num_workers,
        SHARD_SIZE if shard_size is None else shard_size,
        engine,
        progress,
    )
    if not manifest.molecules:
        raise ValueError(f"{table} holds no molecule in {manifest.rows} rows; {folder / FAILURES_FILE} says why")
    size = sum(shard.bytes for shard in manifest.shards)
    each = size / max(manifest.molecules, 1)
    shards = f"{len(manifest.shards)} shard{'s' if len(manifest.shards) > 1 else ''}"
    tell(f"{manifest.rows} rows = {manifest.molecules} molecules + {manifest.failures} failures")
    say(
        f"{shards}, {size / 1e6:.1f} MB ({each:.0f} bytes a molecule) in {folder}"
        + (f"; the failures are in {folder / FAILURES_FILE}" if manifest.failures else "")
    )
