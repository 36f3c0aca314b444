r"""The kernels of the quick model: similarities of molecules to the reference molecules."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.quick.inputs import Inputs
from pyg_moleblend.quick.minmax import MinMax
from pyg_moleblend.quick.scaler import Scaler

LINEAR = "{}_linear"


class Kernels:
    r"""Several kernels between any molecules and R reference molecules.

    Of each dense input there are two, Gaussian :math:`\exp(-|x - r|^2 / D)` (``"descriptors"``) and linear
    :math:`x \cdot r / D` (``"descriptors_linear"``), on standardised values, D the number of those that vary; of each
    fingerprint the min-max kernel (:class:`~pyg_moleblend.quick.minmax.MinMax`). A Gaussian and a min-max kernel fall
    to 0 far from the reference; the linear one is there because it goes on.

    Args:
        reference: The reference molecules.
        scalers: Of the dense inputs.
    """

    def __init__(self, reference: Inputs, scalers: Mapping[str, Scaler]) -> None:
        self.reference = reference
        self.scalers = dict(scalers)
        self._dense = {name: self.scalers[name](values) for name, values in reference.dense.items()}
        self._counts = {name: MinMax(counts) for name, counts in reference.counts.items()}
        pairs = [(name, LINEAR.format(name)) for name in self._dense]
        self.names = (*(name for pair in pairs for name in pair), *self._counts)

    def __call__(self, inputs: Inputs) -> NDArray[np.float32]:
        r"""All kernels of some molecules with the reference, ``[P, M, R]`` in the order of :attr:`names`."""
        parts = np.empty((len(self.names), len(inputs), len(self.reference)), dtype=np.float32)
        place = 0
        for name, reference in self._dense.items():
            width = max(self.scalers[name].num_varying, 1)
            values = self.scalers[name](inputs.dense[name])
            product = values @ reference.T
            squares = np.square(values).sum(1)[:, None] + np.square(reference).sum(1)[None, :]
            np.exp(np.minimum(2 * product - squares, 0.0) / width, out=parts[place])
            parts[place + 1] = product / width
            place += 2
        for name, kernel in self._counts.items():
            parts[place] = kernel(inputs.counts[name])
            place += 1
        return parts

    def diagonal(self, inputs: Inputs) -> NDArray[np.float32]:
        r"""All kernels of some molecules with themselves, ``[P, M]``."""
        parts = np.ones((len(self.names), len(inputs)), dtype=np.float32)
        for place, name in enumerate(self._dense):
            width = max(self.scalers[name].num_varying, 1)
            parts[2 * place + 1] = np.square(self.scalers[name](inputs.dense[name])).sum(1) / width
        return parts
