r"""How fast other packages are beside ours in one run: steps on the very same batches, an epoch, and predictions.

    python benchmarks/peers.py step --table esol.csv:smiles --out peers.json             # transformers==4.46.3
    python benchmarks/peers.py epoch predict --train esol.csv:smiles:y --table hiv.csv:smiles     # chemprop==2.3.1

`step` is a property model's: forward and backward pass and the optimizer, once on batches of molecules of like size and
once on random ones. `epoch` and `predict` are of the two command lines, chemprop's with its defaults and ours with 4
layers of 104 channels, 0.3 million weights each. Seconds are of the processor; all take turns, and ratios are of
neighbours, their medians.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

if not __package__:  # run as a script: this folder itself would hide the package `ogb`
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.model_runs import with_coordinates
from benchmarks.peer_commands import Commands, measure_epochs, measure_predictions
from benchmarks.peer_steps import PEERS, SHAPES, measure_steps
from benchmarks.speed import qm9_tables, readable, tables
from benchmarks.timing import environment, write_json

PARTS = ("step", "epoch", "predict")


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    r"""Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS, help="what to measure")
    parser.add_argument("--table", action="append", metavar="FILE:COLUMN", help="CSV file and its column of SMILES")
    parser.add_argument("--molecules", type=int, default=1000, help="how many molecules, evenly spread over all")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), help="of `step`")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES), help="of `step`")
    parser.add_argument("--batches", type=int, default=12, help="batches of `step`")
    parser.add_argument("--train", metavar="FILE:COLUMN:TARGET", help="CSV file to train on, of `epoch` and `predict`")
    parser.add_argument("--batch-size", type=int, default=64, help="of `epoch`; chemprop's default")
    parser.add_argument("--epochs", type=int, default=13, help="of `epoch`, less three for what comes before")
    parser.add_argument("--repeats", type=int, default=5, help="rounds")
    parser.add_argument("--threads", type=int, default=1, help="of `step`")
    parser.add_argument("--out", type=Path, help="JSON file")
    args = parser.parse_args(argv)
    if set(args.parts) & {"epoch", "predict"} and (args.train or "").count(":") < 2:
        parser.error("`epoch` and `predict` need --train FILE:COLUMN:TARGET")
    torch.set_num_threads(args.threads)
    smiles = readable(tables(args.table or qm9_tables()), args.molecules)
    result: dict[str, Any] = {"environment": environment(), "molecules": len(smiles)}
    if "step" in args.parts:
        molecules = with_coordinates(smiles)
        result["step"] = {
            name: measure_steps(SHAPES[name], molecules, args.peers, args.batches, args.repeats) for name in args.shapes
        }
    with tempfile.TemporaryDirectory() as folder:
        if set(args.parts) & {"epoch", "predict"}:
            commands = Commands(Path(folder), *args.train.rsplit(":", 2), batch_size=args.batch_size)
        if "epoch" in args.parts:
            result["epoch"] = measure_epochs(commands, args.epochs, args.repeats)
        if "predict" in args.parts:
            result["predict"] = measure_predictions(commands, smiles, args.repeats)
    print(json.dumps(result, indent=2))
    if args.out is not None:
        write_json(args.out, result)
    return result


if __name__ == "__main__":
    main()
