from __future__ import annotations


def run(
    out: str,
    root: str = "data",
    sources: list[str] | str = "moses,qm9",
    exclude: list[str] | str = "all",
    moses_size: int = 400_000,
    min_heavy_atoms: int = 2,
    max_heavy_atoms: int = 60,
    valid_size: int = 1000,
    seed: int = 0,
    num_workers: int | None = None,
    quantum_lists: bool = False,
    progress: bool = True,
) -> None:
    """Make the pretraining corpus: published molecules, each once, without those of the benchmarks.

    The same command goes on where it was interrupted.

    Args:
        out: Folder to make, with a Parquet file for each source and manifest.json.
        root: Folder of the published datasets; they are downloaded into it.
        sources: Where the molecules come from, as a,b,c: moses, qm9, chembl, pcqm4mv2, or NAME=PATH for one that has
            its files elsewhere than under the root.
        exclude: Benchmarks whose molecules are left out, as a,b,c; "all" of those that are known, or "none".
        moses_size: How many molecules of MOSES to draw.
        min_heavy_atoms: Leave out molecules with fewer heavy atoms.
        max_heavy_atoms: Leave out molecules with more heavy atoms.
        valid_size: How many molecules of each source to hold out for validation, at most one in twenty.
        seed: Seed of the draws.
        num_workers: Processes that work at the same time; all cores by default.
        quantum_lists: Also draw lists of molecules of ChEMBL and MOSES for quantum-chemical labels.
        progress: Show progress bars.
    """
    from pyg_moleblend.cli.data import names_of, say, tell
    from pyg_moleblend.datasets.corpus import BENCHMARKS, Rules, build_corpus
    from pyg_moleblend.datasets.corpus import quantum_lists as draw_lists
    from pyg_moleblend.runtime.worker_pool import all_cores

    pairs = [word.partition("=") for word in names_of(sources) or []]
    names = {"all": list(BENCHMARKS), "none": []}.get(str(exclude), names_of(exclude) or [])
    try:
        manifest = build_corpus(
            out,
            root,
            {name: path or None for name, _, path in pairs},
            names,
            {"moses": moses_size},
            Rules(min_heavy_atoms, max_heavy_atoms),
            valid_size,
            seed,
            all_cores() if num_workers is None else num_workers,
            progress,
        )
    except RuntimeError as error:  # a download that failed
        raise ValueError(str(error)) from error
    for name, entry in manifest["sources"].items():
        steps = entry["steps"]
        counts = ", ".join(f"{count} {reason}" for reason, count in list(steps.items())[2:-1] if count)
        say(f"{name}: {steps['taken']} of {steps['rows']} rows; left out: {counts or 'none'}")
        parts = entry["parts"]
        tell(f"{name}: {steps['kept']} molecules, {parts['train']} train + {parts['valid']} valid")
    if quantum_lists:
        for name, entry in draw_lists(out, seed=seed)["lists"].items():
            tell(f"{name}.smi: " + " + ".join(f"{count} {source}" for source, count in entry["molecules"].items()))
