r"""What is to be known of a dataset before a model is trained on it: duplicates, labels, sizes, leaks.

Nothing here changes a molecule. Add a finding here and to ``report.py``; how it is printed is
:mod:`pyg_moleblend.cli.check_tables`.
"""

from pyg_moleblend.datasets.check.duplicates import DuplicateGroup, Duplicates, find_duplicates
from pyg_moleblend.datasets.check.labels import LabelReport, Labels, describe_labels, parse_labels
from pyg_moleblend.datasets.check.report import DataCheck, check_molecules
from pyg_moleblend.datasets.check.sizes import SizeReport, describe_sizes

__all__ = [
    "DataCheck",
    "DuplicateGroup",
    "Duplicates",
    "LabelReport",
    "Labels",
    "SizeReport",
    "check_molecules",
    "describe_labels",
    "describe_sizes",
    "find_duplicates",
    "parse_labels",
]
