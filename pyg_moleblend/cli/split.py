from __future__ import annotations


def run(
    data: str,
    kind: str | None = None,
    out: str | None = None,
    root: str = "data",
    smiles_column: str | None = None,
    max_molecules: int | None = None,
    seed: int = 0,
    leakage: bool = True,
    num_workers: int = 1,
    deadline: float = 10.0,
    progress: bool = True,
) -> None:
    """Split molecules into training, validation and test, and tell what the parts have in common.

    The last lines are the split's name, sizes and hash, and its leaks. The file is for --split of finetune, evaluate
    and check; it holds rows of the data, counted from 0, those included that are no molecule.

    Args:
        data: Molecules: qm9, moleculenet:NAME, ogb:NAME, pcqm4mv2, a folder that moleblend prepare made, or the path of
            a table (.csv, .tsv, .parquet, .sdf, .smi, ...).
        kind: random, scaffold (OGB's and GraphMVP's), scaffold-deepchem (without chirality), scaffold-balanced
            (chemprop's), scaffold-random, butina (clusters of like molecules stay together), maxmin (a test of unlike
            molecules), official (the benchmark's own), fold:I/K (or fold:I/K:scaffold, :butina, :group:NAME); of a
            column of a table column:NAME (the parts' names), group:NAME (groups stay together), time:NAME (the latest
            are the test), stratified:NAME; or a saved split.json. By default official where there is one, scaffold for
            MoleculeNet, random for a table.
        out: File to write, .json.
        root: Folder of the published datasets; they are downloaded into it.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        max_molecules: Take only so many molecules.
        seed: Seed of a split that is drawn.
        leakage: Whether to look for parents and scaffolds that parts have in common.
        num_workers: Processes that compare molecules; 0 works in this one, without a deadline.
        deadline: Seconds that comparing a molecule may take.
        progress: Whether to show progress bars.
    """
    from pyg_moleblend import splits
    from pyg_moleblend.chem import identify_all
    from pyg_moleblend.cli.data import load_data, say, tell
    from pyg_moleblend.cli.splits import make_split
    from pyg_moleblend.runtime.files import refuse_overwriting

    if out is not None and not out.endswith(".json"):
        raise ValueError(f"a split is written as .json, got {out!r}")
    if out is not None:
        refuse_overwriting(out, data, kind)
    molecules = load_data(data, root, smiles_column, (), max_molecules, False, seed, progress)
    split = make_split(molecules, kind, seed)
    if out is not None:
        split.save(out, molecules.row, molecules.smiles)
        say(f"split in {out}")
    tell(split)
    if leakage:
        identities = identify_all(molecules.smiles, num_workers, deadline, "compared" if progress else None)
        tell(splits.leakage(split, identities, molecules.row))
