r"""Lists of molecules to be labelled by quantum chemistry, drawn from a corpus."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pyg_moleblend.datasets.corpus.build import load_pieces
from pyg_moleblend.datasets.corpus.manifest import MANIFEST_FILE
from pyg_moleblend.datasets.corpus.merge import merge
from pyg_moleblend.datasets.corpus.ranks import ranks
from pyg_moleblend.runtime.files import atomic_write, digest
from pyg_moleblend.runtime.open_file import content_named, read_json

SUMMARY_FILE = "quantum.json"


class QuantumList(NamedTuple):
    r"""Which molecules a list is to have.

    Attributes:
        name: The file is ``<name>.smi``.
        min_heavy_atoms: The smallest number of heavy atoms.
        max_heavy_atoms: The largest number of heavy atoms.
        size: Number of molecules.
        chembl: How many of them are to be from ChEMBL, if there are so many; the others are from MOSES.
    """

    name: str
    min_heavy_atoms: int
    max_heavy_atoms: int
    size: int
    chembl: int


LISTS = (
    QuantumList("quantum_small", 4, 20, 100_000, 100_000),
    QuantumList("quantum_drug", 21, 35, 30_000, 22_500),
)
r"""All small molecules of ChEMBL, filled up from MOSES; and larger ones, three quarters of them from ChEMBL."""


def quantum_lists(corpus: str | Path, lists: Sequence[QuantumList] = LISTS, seed: int = 0) -> dict[str, Any]:
    r"""Writes ``<name>.smi`` into the corpus's folder, a canonical SMILES a line, and ``quantum.json`` beside them.

    They are drawn from ChEMBL and MOSES as if these were the corpus's only sources, without the benchmarks' molecules.
    A file's order is random, so that its first lines are a fair sample of it.

    Args:
        corpus: Folder of a complete corpus.
        lists: The lists.
        seed: Of the draws.

    Returns:
        For each list how many molecules are from each source, and the file's digest; and how many molecules of each
        source are in each benchmark.

    Raises:
        ValueError: If there is no corpus, or it has not both sources.
    """
    corpus = Path(corpus)
    path = corpus / MANIFEST_FILE
    if not path.is_file():
        raise ValueError(f"{corpus} holds no complete corpus: there is no {path}")
    manifest = read_json(path)
    with content_named(path):
        if missing := {"chembl", "moses"} - set(manifest["sources"]):
            raise ValueError(
                f"the lists are drawn from ChEMBL and MOSES, the corpus in {corpus} has no {sorted(missing)}"
            )
        pieces = {name: load_pieces(corpus, manifest["sources"][name]["work"]) for name in ("chembl", "moses")}
        benchmarks = {name: load_pieces(corpus, entry["work"]) for name, entry in manifest["benchmarks"].items()}
    kept = merge(pieces, benchmarks)
    columns = ["smiles", "skeleton", "heavy_atoms"]
    tables = {name: pa.concat_tables(pieces[name].take(kept[name].positions, columns)) for name in pieces}
    summary: dict[str, Any] = {"seed": seed, "lists": {}, "benchmarks": {n: k.benchmarks for n, k in kept.items()}}
    for wanted in lists:
        chosen: list[tuple[str, str]] = []
        counts = {}
        for name, size in (("chembl", wanted.chembl), ("moses", wanted.size)):
            drawn = _draw(tables[name], wanted, min(size, wanted.size - len(chosen)), seed)
            chosen += drawn
            counts[name] = len(drawn)
        order = np.argsort(ranks((key for key, _ in chosen), "order", seed), kind="stable")
        target = corpus / f"{wanted.name}.smi"
        with atomic_write(target, "w") as file:
            file.writelines(f"{chosen[i][1]}\n" for i in order.tolist())
        summary["lists"][wanted.name] = {**wanted._asdict(), "molecules": counts, **digest(target)._asdict()}
    with atomic_write(corpus / SUMMARY_FILE, "w") as file:
        json.dump(summary, file, indent=1)
    return summary


def _draw(molecules: pa.Table, wanted: QuantumList, size: int, seed: int) -> list[tuple[str, str]]:
    r"""Keys and SMILES of up to `size` molecules of the right size."""
    heavy = molecules["heavy_atoms"].to_numpy()
    fitting = molecules.filter((heavy >= wanted.min_heavy_atoms) & (heavy <= wanted.max_heavy_atoms))
    drawn = ranks(fitting["skeleton"].to_pylist(), "pick", seed)
    best = fitting.take(np.argsort(drawn, kind="stable")[: max(size, 0)])
    return list(zip(best["skeleton"].to_pylist(), best["smiles"].to_pylist(), strict=True))
