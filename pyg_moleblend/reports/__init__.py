r"""What came of a run, as a page to look at: one HTML file that needs nothing besides.

It reads what a run has left in its folder, and computes nothing anew but figures. Single figures, for a paper say, are
next door in :mod:`pyg_moleblend.viz`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.reports.run_report import write_report

__all__ = ["write_report"]

export_lazily(__name__)
