r"""The table of QM9's 12 targets on its split of 110,000, 10,000 and 10,831: mean absolute errors.

    python benchmarks/qm9.py --sets gap,homo,lumo --seeds 3 --model ecfp

Each target has a model of its own. U0, U, H and G are relative to the free atoms.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

if not __package__:  # run as a script: this folder itself would hide the package `ogb`
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.ecfp import Forest
from benchmarks.runner import CONFIGS, Row, parse, run
from pyg_moleblend.datasets import QM9
from pyg_moleblend.datasets.qm9.targets import TARGETS

FOREST = Forest(trees=50, max_features=0.1, max_train=20_000)
r"""Takes a small part of the time that all 110,000 molecules and a third of the bits would take."""


def main(argv: Sequence[str] | None = None) -> None:
    r"""Makes what is missing of the table and prints it."""
    args = parse(argv, __doc__, [target.name for target in TARGETS], ["official"])

    @cache
    def load() -> QM9:
        return QM9(args.root / "qm9", progress=False).subtract_atom_reference()

    def target(name: str) -> QM9:
        return load().select_targets([name])

    units = {target.name: target.unit for target in TARGETS}
    config = args.config or CONFIGS / "finetune_qm9_gap.yaml"
    rows = [Row(f"qm9-{name}", "mae", units[name], partial(target, name), config, FOREST) for name in args.sets]
    print(run("qm9", args, rows, lambda molecules, kind, seed: molecules.get_split()))


if __name__ == "__main__":
    main()
