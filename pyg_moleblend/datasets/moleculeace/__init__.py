r"""MoleculeACE: potencies on 30 targets, with activity cliffs.

:mod:`.dataset` reads the files, :mod:`.sources` knows where they are and what is in them, :mod:`.scores` has the
benchmark's two scores. Nothing here trains.
"""

from pyg_moleblend.datasets.moleculeace.dataset import MoleculeACE
from pyg_moleblend.datasets.moleculeace.scores import CliffScores, evaluate
from pyg_moleblend.datasets.moleculeace.sources import TARGETS

__all__ = ["TARGETS", "CliffScores", "MoleculeACE", "evaluate"]
