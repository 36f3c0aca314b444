import numpy as np
import pytest
from scipy import sparse

from pyg_moleblend.quick.minmax import MinMax, thermometer


def some_counts(rows, seed, high=9):
    generator = np.random.default_rng(seed)
    counts = generator.integers(0, high, (rows, 30)) * (generator.random((rows, 30)) < 0.3)
    return counts.astype(np.float32)


def plain(x, r):
    smaller = larger = 0.0
    for a, b in zip(x, r, strict=True):
        smaller, larger = smaller + min(a, b), larger + max(a, b)
    return smaller / larger if larger else 1.0


def test_against_plain_loops():
    # Counts of the other rows go beyond those of the reference, and have patterns that no reference row has.
    reference, others = some_counts(11, 0), some_counts(7, 1, high=14)
    reference[:, :3] = 0
    others[2], reference[4] = 0, 0
    found = MinMax(sparse.csr_array(reference))(sparse.csr_array(others))
    wanted = np.array([[plain(x, r) for r in reference] for x in others])
    assert found == pytest.approx(wanted, abs=1e-6)


def test_a_row_with_itself_is_one_and_the_matrix_is_a_kernel():
    counts = sparse.csr_array(some_counts(20, 2))
    kernel = MinMax(counts)(counts)
    assert (kernel.diagonal() == 1).all()
    assert (kernel == kernel.T).all()
    assert np.linalg.eigvalsh(kernel.astype(np.float64)).min() > -1e-6


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_dense_and_sparse_products_are_equal(share, monkeypatch):
    counts = sparse.csr_array(some_counts(15, 3))
    wanted = MinMax(counts)(counts)
    monkeypatch.setattr("pyg_moleblend.quick.minmax.DENSE_SHARE", share)
    assert (MinMax(counts)(counts) == wanted).all()


def test_thermometer():
    counts = sparse.csr_array(np.array([[2, 0, 1], [5, 1, 0]], dtype=np.float32))
    codes = thermometer(counts, np.array([3, 0, 1])).toarray()
    assert codes.tolist() == [[1, 1, 0, 1], [1, 1, 1, 0]]


def test_two_rows_without_a_pattern_are_alike():
    nothing = sparse.csr_array((2, 4), dtype=np.float32)
    assert MinMax(nothing)(nothing).tolist() == [[1, 1], [1, 1]]
