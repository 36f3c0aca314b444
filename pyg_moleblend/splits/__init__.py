r"""Named splits of a dataset's molecules into training, validation and test positions, and what parts have in common.

A split is a value with a name and a hash (``split.py``); a rule is a function that gives one, deterministic or with a
seed. A rule that papers report results on does not change: another one has another name. The benchmarks' own splits are
with their datasets.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.splits.diversity import butina_groups, butina_split, maxmin_split
    from pyg_moleblend.splits.grouped import group_k_fold, group_split, stratified_split, time_split
    from pyg_moleblend.splits.leakage import PAIRS, Leak, Leakage, leakage
    from pyg_moleblend.splits.scaffold import (
        balanced_scaffold_split,
        deepchem_scaffold_split,
        random_scaffold_split,
        scaffold_split,
    )
    from pyg_moleblend.splits.simple import column_split, k_fold, random_split
    from pyg_moleblend.splits.split import PARTS, Fractions, Split

__all__ = [
    "PAIRS",
    "PARTS",
    "Fractions",
    "Leak",
    "Leakage",
    "Split",
    "balanced_scaffold_split",
    "butina_groups",
    "butina_split",
    "column_split",
    "deepchem_scaffold_split",
    "group_k_fold",
    "group_split",
    "k_fold",
    "leakage",
    "maxmin_split",
    "random_scaffold_split",
    "random_split",
    "scaffold_split",
    "stratified_split",
    "time_split",
]

export_lazily(__name__)
