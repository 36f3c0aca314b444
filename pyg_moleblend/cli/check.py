from __future__ import annotations


def run(
    data: str,
    targets: list[str] | str | None = None,
    split: str | None = None,
    out: str | None = None,
    root: str = "data",
    smiles_column: str | None = None,
    max_molecules: int | None = None,
    seed: int = 0,
    num_workers: int = 1,
    deadline: float = 10.0,
    progress: bool = True,
) -> None:
    """Check molecules and labels before a model learns from them. Nothing is changed.

    Told are rows that are no molecule, salts, duplicates and whether their labels agree, sizes and what padding
    costs, missing, unreadable and odd labels, 3D that does not match the graph, and what the parts of a split have in
    common.

    Args:
        data: Molecules: qm9, moleculenet:NAME, ogb:NAME, pcqm4mv2, a folder that moleblend prepare made, or the path of
            a table (.csv, .tsv, .parquet, .sdf, .smi, ...).
        targets: Targets whose labels to check, as a,b,c; needed for a table, all by default for a published dataset.
        split: A split to look for leaks in, by a name of `moleblend split` or a saved split.json; none by default.
        out: File for all of it, with every row, .json.
        root: Folder of the published datasets; they are downloaded into it.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        max_molecules: Take only so many molecules.
        seed: Seed of a split that is drawn.
        num_workers: Processes that compare molecules; 0 works in this one, without a deadline.
        deadline: Seconds that comparing a molecule may take.
        progress: Whether to show progress bars.
    """
    import json

    from pyg_moleblend.cli.check_tables import show, show_geometries
    from pyg_moleblend.cli.data import load_data, names_of, say
    from pyg_moleblend.cli.splits import make_split
    from pyg_moleblend.datasets.check import check_molecules
    from pyg_moleblend.datasets.targets import has_coordinates
    from pyg_moleblend.inference.geometry import odd_geometries
    from pyg_moleblend.metrics.results import plain
    from pyg_moleblend.runtime.files import atomic_write, refuse_overwriting

    if out is not None and not out.endswith(".json"):
        raise ValueError(f"the check is written as .json, got {out!r}")
    if out is not None:
        refuse_overwriting(out, data, split)
    molecules = load_data(data, root, smiles_column, (), max_molecules, False, seed, progress)
    chosen = None if split is None else make_split(molecules, split, seed)
    found = check_molecules(molecules, names_of(targets), chosen, num_workers, deadline, progress)
    show(found)
    facts = found.to_dict()
    if has_coordinates(molecules):
        try:
            odd = odd_geometries(molecules)
        except (MemoryError, ValueError) as error:  # hydrogens that are atoms, an element that nobody knows
            say(f"3D is not compared with graphs: {error}")
        else:
            show_geometries(odd)
            facts["odd_geometries"] = [one._asdict() for one in odd]
    if out is not None:
        with atomic_write(out, "w") as file:
            json.dump(plain(facts), file, indent=2, allow_nan=False)
        say(f"all rows in {out}")
