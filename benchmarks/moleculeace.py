r"""The table of MoleculeACE's targets on their official splits.

python benchmarks/moleculeace.py --model quick                      # kernels that know nothing of pretraining
python benchmarks/moleculeace.py --model quick+moleblend-tiny       # the same with an encoder's vectors
python benchmarks/moleculeace.py --model frozen+moleblend-tiny      # these alone
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.runner import CONFIGS, Row, parse, run
from pyg_moleblend.datasets import MoleculeACE
from pyg_moleblend.datasets.moleculeace import TARGETS


def main(argv: Sequence[str] | None = None) -> None:
    r"""Makes what is missing of the table and prints it."""
    args = parse(argv, __doc__, list(TARGETS), ["official"])
    config = args.config or CONFIGS / "moleculenet" / "lipo.yaml"
    rows = [
        Row(name, "rmse", "", partial(MoleculeACE, args.root, name, progress=False), config, folds="random")
        for name in args.sets
    ]
    # Only fine-tuning has something to choose by validation molecules.
    valid_fraction = 0.0 if args.model.startswith(("quick", "frozen")) else 0.1
    print(run("moleculeace", args, rows, lambda molecules, kind, seed: molecules.get_split(valid_fraction, seed)))


if __name__ == "__main__":
    main()
