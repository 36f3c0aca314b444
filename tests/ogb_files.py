r"""Raw files of an OGB set, as OGB writes them, for tests."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pyg_moleblend.chem import from_smiles

SMILES = ["CCO", "N[C@@H](C)C(=O)O", "C/C=C/F", "[Na+].[Cl-]", "c1ccccc1", "C"]
LABELS = [["1", "0"], ["0", ""], ["", ""], ["1", "1"], ["0", "1"], ["1", "0"]]
PARTS = {"train": [4, 0, 2], "valid": [5], "test": [1, 3]}


def write_lines(path: Path, lines: Sequence[object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def write_ogb(folder: Path, smiles: Sequence[str] = SMILES, labels: Sequence[Sequence[str]] = LABELS) -> None:
    r"""The set's files; one label a row is written as OGB would, with nothing where it is missing."""
    graphs = [from_smiles(text) for text in smiles]

    def matrix(name: str, rows: Sequence[np.ndarray]) -> None:
        write_lines(folder / "raw" / name, [",".join(map(str, row)) for block in rows for row in block.tolist()])

    write_lines(folder / "raw" / "num-node-list.csv.gz", [len(graph.x) for graph in graphs])
    write_lines(folder / "raw" / "num-edge-list.csv.gz", [graph.num_edges // 2 for graph in graphs])
    matrix("node-feat.csv.gz", [graph.x.numpy() for graph in graphs])
    matrix("edge.csv.gz", [graph.edge_index[:, ::2].T.numpy() for graph in graphs])
    matrix("edge-feat.csv.gz", [graph.edge_attr[::2].numpy() for graph in graphs])
    write_lines(folder / "raw" / "graph-label.csv.gz", [",".join(row) for row in labels])
    header = ",".join([f"target {k}" for k in range(len(labels[0]))] + ["smiles", "mol_id"])
    rows = [",".join([*row, text, "NA"]) for row, text in zip(labels, smiles, strict=True)]
    write_lines(folder / "mapping" / "mol.csv.gz", [header, *rows])
    for part, rows_of_part in PARTS.items():
        write_lines(folder / "split" / "scaffold" / f"{part}.csv.gz", rows_of_part)
    (folder / "RELEASE_v1.txt").write_text("# Release note\n")
