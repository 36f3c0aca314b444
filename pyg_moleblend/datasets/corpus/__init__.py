r"""The pretraining corpus: published molecules, each once, without those of any benchmark.

:mod:`.build` runs the steps and writes the manifest; :mod:`.sources` knows where molecules come from, :mod:`.inputs`
which rows count, and :mod:`.reading` how each source writes them; :mod:`.records` looks at one molecule, by
:mod:`.rules`; :mod:`.pieces` keeps what was found on disk; :mod:`.benchmarks` knows whom to leave out, and
:mod:`.merge` does it. :mod:`.quantum` draws the lists for quantum-chemical labels. What a model reads (graphs,
conformers) is made from the corpus elsewhere.
"""

from pyg_moleblend.datasets.corpus.benchmarks import BENCHMARKS
from pyg_moleblend.datasets.corpus.build import build_corpus
from pyg_moleblend.datasets.corpus.quantum import quantum_lists
from pyg_moleblend.datasets.corpus.rules import Rules
from pyg_moleblend.datasets.corpus.sources import SOURCES

__all__ = ["BENCHMARKS", "SOURCES", "Rules", "build_corpus", "quantum_lists"]
