r"""Min-max similarity of count vectors as matrix products of bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

DENSE_SHARE = 0.1
r"""A bit that so many of the reference rows have is in the dense product: there it is faster, and either is exact."""


class MinMax:
    r"""Min-max (Tanimoto of counts) kernel between any rows and fixed reference rows.

    .. math::
        K(x, r) = \sum_i \min(x_i, r_i) \Big/ \sum_i \max(x_i, r_i)

    In a thermometer code, where a count of c is c ones, the sum of the minima is the number of ones that two codes
    have in common, a product of matrices; the sum of the maxima follows from it and the two totals. A pattern has as
    many bits as its largest count among the reference rows, for no minimum is above that. (Ralaivola et al. 2005,
    doi:10.1016/j.neunet.2005.07.009, have the kernel.)

    Two rows without any pattern have similarity 1.

    Args:
        reference: Counts of the R reference rows, ``[R, size]`` of whole numbers.
    """

    def __init__(self, reference: sparse.csr_array) -> None:
        self.tops = np.asarray(reference.max(axis=0).todense(), dtype=np.int64).ravel()
        self.totals = _totals(reference)  # [R]
        codes = thermometer(reference, self.tops)
        common = np.asarray(codes.sum(axis=0)).ravel() > DENSE_SHARE * codes.shape[0]
        self._common, self._rare = np.flatnonzero(common), np.flatnonzero(~common)
        columns = codes.tocsc()
        self._dense = np.ascontiguousarray(columns[:, self._common].toarray().T)  # [common, R]
        self._sparse = columns[:, self._rare].T.tocsr()  # [rare, R]

    def __call__(self, counts: sparse.csr_array) -> NDArray[np.float32]:
        r"""The kernel of some rows with the reference rows.

        Args:
            counts: ``[M, size]``.

        Returns:
            ``[M, R]``.
        """
        columns = thermometer(counts, self.tops).tocsc()
        minima = columns[:, self._common].toarray() @ self._dense  # whole numbers below 2²⁴: exact in float32
        minima += (columns[:, self._rare].tocsr() @ self._sparse).toarray()
        maxima = _totals(counts)[:, None] + self.totals[None, :] - minima
        return np.divide(minima, maxima, out=np.ones_like(minima), where=maxima > 0)


def thermometer(counts: sparse.csr_array, tops: NDArray[np.int64]) -> sparse.csr_array:
    r"""Thermometer codes of counts: bit k of a pattern is set where its count is above k.

    Args:
        counts: ``[M, size]``.
        tops: How many bits each of the patterns has, ``[size]``.

    Returns:
        Zeros and ones, ``[M, Σ tops]`` sparse float32.
    """
    starts = np.cumsum(tops) - tops
    heights = np.minimum(counts.data.astype(np.int64), tops[counts.indices])
    first = np.cumsum(heights) - heights
    levels = np.arange(heights.sum()) - np.repeat(first, heights)
    columns = np.repeat(starts[counts.indices], heights) + levels
    ends = np.concatenate([[0], np.cumsum(heights)])[counts.indptr]
    ones = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_array((ones, columns, ends), shape=(counts.shape[0], int(tops.sum())))


def _totals(counts: sparse.csr_array) -> NDArray[np.float32]:
    return np.asarray(counts.sum(axis=1), dtype=np.float32).ravel()
