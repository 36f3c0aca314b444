r"""What the parts of a quick model look at: one row a molecule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, Features
from pyg_moleblend.quick.scaler import Scaler

FOREST_FINGERPRINTS = ("morgan", "feature_morgan", "atom_pairs", "maccs")
FOREST_FOLD = 1024
r"""Counts of a fingerprint are added up to so many columns for a forest."""

FOREST_WIDTH = 512
r"""Most columns of a dense input that a forest looks at."""


@dataclass(frozen=True, eq=False)
class Inputs:
    r"""What the kernels of M molecules are computed from.

    Attributes:
        dense: By name, ``"descriptors"`` and those of what a caller knows besides, values ``[M, D]``, NaN where there
            is none.
        counts: By name of a fingerprint its counts ``[M, size]``.
    """

    dense: dict[str, NDArray[np.float64]]
    counts: dict[str, sparse.csr_array]

    @classmethod
    def of(
        cls,
        features: Features,
        descriptors: Sequence[str],
        extra: Mapping[str, NDArray[Any]] | None = None,
    ) -> Inputs:
        r"""From features, and what a caller knows besides.

        Args:
            features: Of M molecules.
            descriptors: Names of those to take.
            extra: By a name of their own, numbers ``[M, E]`` each.

        Raises:
            ValueError: If a name is taken, a shape does not fit, or this version of RDKit lacks a descriptor.
        """
        if missing := [name for name in descriptors if name not in DESCRIPTOR_NAMES]:
            raise ValueError(f"this version of RDKit has no descriptors {missing}: fit the model again, or use another")
        places = [DESCRIPTOR_NAMES.index(name) for name in descriptors]
        dense = {"descriptors": features.descriptors[:, places].astype(np.float64)}
        for name, given in (extra or {}).items():
            if name in (*dense, *features.counts) or "/" in name:
                raise ValueError(f"`extra` cannot have the name {name!r}: it is that of another kernel, or has a slash")
            values = np.asarray(given, dtype=np.float64)
            if values.ndim != 2 or len(values) != len(features.descriptors):
                raise ValueError(
                    f"`extra[{name!r}]` must be [{len(features.descriptors)}, columns], got {list(values.shape)}"
                )
            dense[name] = np.where(np.isfinite(values), values, np.nan)
        return cls(dense, features.counts)

    def __len__(self) -> int:
        r"""M."""
        return self.dense["descriptors"].shape[0]

    def take(self, rows: NDArray[np.int64] | slice) -> Inputs:
        r"""Those of some molecules."""
        dense = {name: values[rows] for name, values in self.dense.items()}
        return Inputs(dense, {name: counts[rows] for name, counts in self.counts.items()})

    def columns(self, scalers: Mapping[str, Scaler]) -> NDArray[np.float32]:
        r"""What a forest looks at: dense values, standardised, and folded counts, ``[M, D]``; not inputs of more than
        :data:`FOREST_WIDTH` columns, among which it would hardly find the others.

        Args:
            scalers: Of the dense values.
        """
        narrow = {name: values for name, values in self.dense.items() if values.shape[1] <= FOREST_WIDTH}
        dense = [scalers[name](values) for name, values in narrow.items()]
        return np.hstack([*dense, *(_folded(self.counts[name]) for name in FOREST_FINGERPRINTS)])


def _folded(counts: sparse.csr_array) -> NDArray[np.float32]:
    entries = counts.tocoo()
    folded = np.zeros((counts.shape[0], min(counts.shape[1], FOREST_FOLD)), dtype=np.float32)
    np.add.at(folded, (entries.row, entries.col % FOREST_FOLD), entries.data)
    return folded
