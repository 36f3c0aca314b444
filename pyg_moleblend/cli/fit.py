from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal


def run(
    data: str,
    out: str | None = None,
    encoder: str = "moleblend-tiny",
    root: str = "data",
    smiles_column: str | None = None,
    targets: list[str] | str | None = None,
    kind: Literal["classification", "regression"] | None = None,
    split: str | None = None,
    max_molecules: int | None = None,
    conformers: int = 0,
    modality: Literal["2d", "3d", "2d+3d"] = "2d",
    folds: Literal["scaffold", "random"] = "scaffold",
    batch_size: int = 64,
    device: str = "auto",
    seed: int = 0,
    num_workers: int = 0,
    keep_config: Callable[[Path, bool], None] = lambda folder, resume: None,
) -> None:
    """Fit a quick model of properties: kernels on fingerprints, descriptors and a frozen encoder's vectors.

    It takes seconds to minutes, without a GPU, and its predictions have intervals. With a split, what it is worth is
    measured on the test molecules; without one it learns from all molecules, and tells its error over four folds.

    Args:
        data: Molecules with labels: the path of a table (.csv, .tsv, .parquet, .sdf, .smi, ...), qm9, moleculenet:NAME,
            moleculeace:TARGET, ogb:NAME, or a folder that moleblend prepare made.
        out: Folder of the run: model, metrics, split and report; runs/NAME by default, NAME being that of the data.
        encoder: What gives the vectors: a folder, the name of a packaged model or a hub repository; none does without.
        root: Folder of the published datasets; they are downloaded into it.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        targets: Targets to learn, as a,b,c; needed for a table, all by default for a published dataset.
        kind: What the targets are; by default classification if all labels are 0 or 1.
        split: A split's name (see moleblend split), or a saved split.json; all molecules are learnt from by default.
        max_molecules: Take only so many molecules.
        conformers: Conformers to give to each molecule without coordinates; 0 is none. The first is used.
        modality: Which inputs the encoder uses; 2d+3d is all that each molecule has.
        folds: What new molecules will be like: of other scaffolds than these, or like these at random.
        batch_size: Molecules of a batch of the encoder.
        device: Of the encoder: cpu, cuda, ...; auto is a GPU where there is one.
        seed: Everything random follows from it.
        num_workers: Processes that compute features, and threads that grow forests; 0 is one of each.
    """
    import re

    from pyg_moleblend.chem import Hydrogens
    from pyg_moleblend.cli.data import load_data, names_of, say, tell, write_page
    from pyg_moleblend.cli.molecules import hydrogens_of
    from pyg_moleblend.cli.splits import make_split
    from pyg_moleblend.runtime.files import refuse_overwriting
    from pyg_moleblend.training import fit
    from pyg_moleblend.training.quick import check_no_run

    out = out or str(Path("runs") / re.sub(r"\W+", "-", Path(data).name.partition(".")[0] or data))
    source = None if encoder == "none" else encoder
    refuse_overwriting(out, data, source)
    check_no_run(Path(out))
    if conformers and modality == "2d":
        raise ValueError(f"--conformers {conformers} is of no use to the modality '2d': leave it out, or take '2d+3d'")
    if source is None and modality != "2d":
        raise ValueError(f"without an encoder nothing looks at 3D: leave --modality {modality} out")
    names = names_of(targets)
    molecules = load_data(
        data,
        root,
        smiles_column,
        names or (),
        max_molecules,
        conformers,
        seed,
        num_workers=num_workers,
        hydrogens=Hydrogens.REMOVE if source is None else hydrogens_of(source),
    )
    chosen = None if split is None else make_split(molecules, split, seed)
    done = fit(
        molecules,
        out,
        chosen,
        source,
        names,
        kind,
        modality,
        folds,
        batch_size,
        device,
        seed,
        num_workers,
    )
    keep_config(done.folder, False)
    say(f"model in {done.folder / 'model'}, metrics in {done.folder / 'metrics.json'}")
    write_page(done.folder)
    for name, found in done.metrics["folds"]["targets"].items():
        metric = next(iter(found))
        tell(f"{name}: {metric} {found[metric]:.4f} over four {folds} folds of {found['labels']} labels")
    for part in ("valid", "test"):
        if part in done.metrics:
            scores = {name: value for name, value in done.metrics[part].items() if isinstance(value, float)}
            tell(f"{part}: " + ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
