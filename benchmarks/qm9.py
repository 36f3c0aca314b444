r"""The table of QM9's 12 targets on its split of 110,000, 10,000 and 10,831: mean absolute errors.

    python benchmarks/qm9.py --sets gap,homo,lumo --splits official --seeds 3 --model ecfp

Each target has a model of its own. U0, U, H and G are relative to the free atoms. The other kinds of split have so many
of the training molecules, drawn with the run's seed, 1,000 for validation, and the whole test part:

    python benchmarks/qm9.py --sets gap --splits 1000,5000,20000 --seeds 2 --model moleblend-tiny --name few-tiny \\
        --config examples/configs/finetune_qm9_few.yaml
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

if not __package__:  # run as a script: this folder itself would hide the package `ogb`
    sys.path[0] = str(Path(__file__).parents[1])

import torch

from benchmarks.ecfp import Forest
from benchmarks.runner import CONFIGS, Row, parse, run
from pyg_moleblend.datasets import QM9
from pyg_moleblend.datasets.qm9.targets import TARGETS
from pyg_moleblend.splits import Split

FOREST = Forest(trees=50, max_features=0.1, max_train=20_000)
r"""Takes a small part of the time that all 110,000 molecules and a third of the bits would take."""

FEW = ("1000", "2000", "5000", "10000", "20000")
VALID = 1000


def main(argv: Sequence[str] | None = None) -> None:
    r"""Makes what is missing of the table and prints it."""
    args = parse(argv, __doc__, [target.name for target in TARGETS], ["official", *FEW])

    @cache
    def load() -> QM9:
        return QM9(args.root / "qm9", progress=False).subtract_atom_reference()

    def target(name: str) -> QM9:
        return load().select_targets([name])

    units = {target.name: target.unit for target in TARGETS}
    config = args.config or CONFIGS / "finetune_qm9_gap.yaml"
    rows = [Row(f"qm9-{name}", "mae", units[name], partial(target, name), config, FOREST) for name in args.sets]
    print(run("qm9", args, rows, make_split))


def make_split(molecules: QM9, kind: str, seed: int) -> Split:
    r"""The official split, or a part of its training and validation molecules and all of its test molecules."""
    whole = molecules.get_split()
    if kind == "official":
        return whole
    order = torch.randperm(len(whole.train), generator=torch.Generator().manual_seed(seed))
    train = whole.train[order[: int(kind)]]
    return Split(f"{whole.name}, {kind} labels, seed {seed}", train, whole.valid[:VALID], whole.test)


if __name__ == "__main__":
    main()
