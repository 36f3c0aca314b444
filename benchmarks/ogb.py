r"""The table of the Open Graph Benchmark's molecules on their official splits.

python benchmarks/ogb.py --sets ogbg-molesol,ogbg-molbbbp --seeds 3 --model ecfp
python benchmarks/ogb.py --sets ogbg-molhiv --seeds 10 --model quick

OGB's own files are taken where they lie under ``--root``; a set of which only MoleculeNet's table lies there
(``hiv/raw/HIV.csv``) is rebuilt from that, with the same rows and parts.
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
from pyg_moleblend.datasets.ogb.from_moleculenet import MOLECULENET_NAMES, moleculenet_source


def main(argv: Sequence[str] | None = None) -> None:
    r"""Makes what is missing of the table and prints it."""
    args = parse(argv, __doc__, list(OGB_SOURCES), ["official"])
    rows = [
        Row(
            name,
            OGB_SOURCES[name].metric,
            "",
            partial(_load, args.root, name),
            args.config or CONFIGS / "moleculenet" / f"{name.removeprefix('ogbg-mol')}.yaml",
        )
        for name in args.sets
    ]
    print(run("ogb", args, rows, lambda molecules, kind, seed: molecules.get_split()))


def _load(root: Path, name: str) -> OGBGraphProperty:
    r"""A set from what lies in place, else from OGB."""
    table = MOLECULENET_NAMES.get(name)
    in_place = table is not None and (root / table / "raw" / moleculenet_source(name).file).exists()
    rebuilt = in_place and not (root / name.replace("-", "_")).exists()
    return OGBGraphProperty(root, name, progress=False, source="moleculenet" if rebuilt else "ogb")


if __name__ == "__main__":
    main()
