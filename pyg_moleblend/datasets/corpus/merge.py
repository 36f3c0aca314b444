r"""Each molecule once over all sources, and those of the benchmarks left out."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.datasets.corpus.pieces import Pieces
from pyg_moleblend.datasets.corpus.ranks import ranks, smallest

LARGEST_HELD_OUT_SHARE = 20
r"""At most one in so many molecules of a source is held out."""


class Kept(NamedTuple):
    r"""What is left of a source.

    Attributes:
        positions: Positions of the kept rows, counted over the source's pieces, ascending, int64 ``[M]``.
        skeletons: Their keys, ``[M]``.
        repeated: Rows whose molecule is in an earlier row of the source.
        elsewhere: Molecules that are in an earlier source.
        benchmark: Molecules that are in a benchmark.
        benchmarks: The same by benchmark; a molecule may be in several.
    """

    positions: NDArray[np.int64]
    skeletons: NDArray[np.bytes_]
    repeated: int
    elsewhere: int
    benchmark: int
    benchmarks: dict[str, int]


def merge(sources: Mapping[str, Pieces], benchmarks: Mapping[str, Pieces]) -> dict[str, Kept]:
    r"""What is left of each source.

    Molecules are the same if the first blocks of the InChIKeys of their charge parents are: stereoisomers, tautomers
    that differ in mobile hydrogens, and charged forms are one molecule. The first row is kept.

    Args:
        sources: The sources; of a molecule that is in several, the first has it.
        benchmarks: Keys of those to be left out, by benchmark.
    """
    excluded = {name: np.unique(pieces.skeletons()[1]) for name, pieces in benchmarks.items()}
    seen, kept = np.empty(0, "S14"), {}
    for name, pieces in sources.items():
        positions, keys = pieces.skeletons()
        unique, first = np.unique(keys, return_index=True)
        new = ~np.isin(unique, seen)
        candidates = unique[new]
        in_benchmark = np.zeros(len(candidates), dtype=bool)
        counts = {}
        for benchmark, members in excluded.items():
            found = np.isin(candidates, members)
            counts[benchmark] = int(found.sum())
            in_benchmark |= found
        chosen = np.sort(first[new][~in_benchmark])
        kept[name] = Kept(
            positions=positions[chosen],
            skeletons=keys[chosen],
            repeated=len(keys) - len(unique),
            elsewhere=int((~new).sum()),
            benchmark=int(in_benchmark.sum()),
            benchmarks=counts,
        )
        seen = np.concatenate([seen, candidates])
    return kept


def held_out(kept: Kept, size: int, seed: int) -> NDArray[np.bool_]:
    r"""Which of a source's kept molecules are for validation, ``[M]``.

    Args:
        kept: The molecules.
        size: How many; fewer where that would be more than one in :data:`LARGEST_HELD_OUT_SHARE`.
        seed: Of the draw, which depends on the keys alone.
    """
    number = min(size, len(kept.positions) // LARGEST_HELD_OUT_SHARE)
    drawn = ranks((key.decode() for key in kept.skeletons.tolist()), "valid", seed)
    mask = np.zeros(len(kept.positions), dtype=bool)
    mask[smallest(drawn, number)] = True
    return mask
