r"""How fast the data path, the pretraining step and the forward pass are, ours and a plain baseline's in one run.

    python benchmarks/speed.py data --out speed.json
    python benchmarks/speed.py data step forward --table esol.csv:smiles --table freesolv.csv:smiles --molecules 1900

Molecules are those of QM9 (extra `qm9`), or the SMILES of tables. Rates are medians; between runs on a shared machine
only ratios and fractions of the peak, which is measured in the same run, can be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from rdkit import Chem

if not __package__:  # run as a script: this folder itself would hide the package `ogb`
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.data_path import measure_data_path
from benchmarks.model_runs import CONFIGS
from benchmarks.model_speed import measure_model
from benchmarks.timing import environment, matrix_peak, write_json
from pyg_moleblend.datasets.qm9.sources import package_files

PARTS = ("data", "step", "forward")


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    r"""Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"what to measure, of {', '.join(PARTS)}")
    parser.add_argument("--table", action="append", metavar="FILE:COLUMN", help="CSV file and its column of SMILES")
    parser.add_argument("--molecules", type=int, default=1900, help="how many molecules, evenly spread over all")
    parser.add_argument("--models", nargs="+", choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument("--batches", type=int, default=12, help="batches of a model")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of the data path")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the models")
    parser.add_argument("--out", type=Path, help="JSON file")
    args = parser.parse_args(argv)
    if unknown := [part for part in args.parts if part not in PARTS]:
        parser.error(f"parts {unknown} are none of {', '.join(PARTS)}")
    torch.set_num_threads(args.threads)
    smiles = readable(tables(args.table or qm9_tables()), args.molecules)
    result: dict[str, Any] = {"environment": environment(), "matrix_peak_gflops": matrix_peak() / 1e9}
    if "data" in args.parts:
        result["data"] = measure_data_path(smiles, repeats=args.repeats)
    for part in ("step", "forward"):
        if part in args.parts:
            result[part] = {name: measure_model(name, part, smiles, args.batches) for name in args.models}
    print(json.dumps(result, indent=2))
    if args.out is not None:
        write_json(args.out, result)
    return result


def qm9_tables() -> list[str]:
    r"""The files of the package ``qm9pack`` as tables.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    files = package_files()
    if files is None:
        raise ModuleNotFoundError(
            "give --table FILE:COLUMN, or install QM9's molecules: pip install 'pyg-moleblend[qm9]'"
        )
    return [f"{file}:SMILES" for file in files]


def tables(names: Sequence[str]) -> list[str]:
    r"""The SMILES of all tables, each given as ``file:column``."""
    smiles: list[str] = []
    for name in names:
        file, _, column = name.rpartition(":")
        if not file:
            raise ValueError(f"expected FILE:COLUMN, got {name!r}")
        smiles += pd.read_csv(file, usecols=[column])[column].dropna().tolist()
    return smiles


def readable(smiles: Sequence[str], count: int) -> list[str]:
    r"""As many of the SMILES as are wanted, evenly spread, less those that RDKit cannot read."""
    spread = smiles[:: max(len(smiles) // count, 1)][:count]
    return [text for text in spread if Chem.MolFromSmiles(text) is not None]


if __name__ == "__main__":
    main()
