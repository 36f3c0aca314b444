r"""The table of the Open Graph Benchmark's molecules on their official splits.

python benchmarks/ogb.py --sets ogbg-molesol,ogbg-molbbbp --seeds 3 --model ecfp
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

if not __package__:  # run as a script: this folder itself would hide the package `ogb`
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.runner import CONFIGS, Row, parse, run
from pyg_moleblend.datasets.ogb.dataset import OGB_SOURCES, OGBGraphProperty


def main(argv: Sequence[str] | None = None) -> None:
    r"""Makes what is missing of the table and prints it."""
    args = parse(argv, __doc__, list(OGB_SOURCES), ["official"])
    rows = [
        Row(
            name,
            OGB_SOURCES[name].metric,
            "",
            partial(OGBGraphProperty, args.root, name, progress=False),
            args.config or CONFIGS / "moleculenet" / f"{name.removeprefix('ogbg-mol')}.yaml",
        )
        for name in args.sets
    ]
    print(run("ogb", args, rows, lambda molecules, kind, seed: molecules.get_split()))


if __name__ == "__main__":
    main()
