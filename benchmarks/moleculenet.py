r"""The table of MoleculeNet's 11 sets: the ECFP floor, or a MoleBLEND model fine-tuned to each.

python benchmarks/moleculenet.py --sets bbbp,esol --splits scaffold,random --seeds 3 --model ecfp
python benchmarks/moleculenet.py --model runs/pretrain/model --name pretrained
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

if not __package__:  # run as a script: this folder itself would hide the package `ogb`
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.runner import CONFIGS, Row, parse, run
from pyg_moleblend.datasets import MoleculeDataset, MoleculeNet
from pyg_moleblend.datasets.moleculenet.dataset import SOURCES
from pyg_moleblend.splits import (
    Split,
    balanced_scaffold_split,
    deepchem_scaffold_split,
    random_split,
    scaffold_split,
)


@lru_cache(maxsize=2)
def _once(split: Callable[[Sequence[str]], Split], smiles: tuple[str, ...]) -> Split:
    r"""A split without a seed: every seed's run has the same."""
    return split(smiles)


SETS = ("bbbp", "bace", "clintox", "sider", "tox21", "toxcast", "hiv", "muv", "esol", "freesolv", "lipo")
SPLITS: dict[str, Callable[[MoleculeDataset, int], Split]] = {
    "random": lambda molecules, seed: random_split(molecules, seed=seed),
    "scaffold": lambda molecules, seed: _once(scaffold_split, tuple(molecules.smiles)),
    "scaffold-deepchem": lambda molecules, seed: _once(deepchem_scaffold_split, tuple(molecules.smiles)),
    "scaffold-balanced": lambda molecules, seed: balanced_scaffold_split(molecules.smiles, seed=seed),
}
r"""Kinds of split; those that have a seed get the run's, so that their deviation is over splits, too."""


def main(argv: Sequence[str] | None = None) -> None:
    r"""Makes what is missing of the table and prints it."""
    args = parse(argv, __doc__, SETS, list(SPLITS))
    rows = [
        Row(
            name,
            SOURCES[name].metric,
            "",
            partial(MoleculeNet, args.root, name, progress=False),
            args.config or CONFIGS / "moleculenet" / f"{name}.yaml",
        )
        for name in args.sets
    ]
    print(run("moleculenet", args, rows, lambda molecules, kind, seed: SPLITS[kind](molecules, seed)))


if __name__ == "__main__":
    main()
