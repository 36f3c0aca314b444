from hashlib import blake2b

import numpy as np
import pytest

from pyg_moleblend.datasets.corpus.ranks import ranks, smallest

TEXTS = [f"text {i}" for i in range(500)]


def test_a_rank_is_a_hash_of_the_text():
    expected = [int.from_bytes(blake2b(f"draw:7:{t}".encode(), digest_size=8).digest(), "big") for t in TEXTS]
    assert ranks(TEXTS, "draw", 7).tolist() == expected
    assert ranks(iter(TEXTS[::-1]), "draw", 7).tolist() == expected[::-1]
    assert ranks([], "draw", 7).tolist() == []


def test_draws_are_independent():
    one, other, third = ranks(TEXTS, "draw", 0), ranks(TEXTS, "draw", 1), ranks(TEXTS, "order", 0)
    for a, b in ((one, other), (one, third)):
        assert abs(np.corrcoef(a.astype(float), b.astype(float))[0, 1]) < 0.2
    assert one.astype(float).mean() / 2**64 == pytest.approx(0.5, abs=0.06)


def test_smallest_is_what_sorting_gives():
    values = ranks(TEXTS, "draw", 0)
    chosen = smallest(values, 20)
    assert chosen.tolist() == sorted(sorted(range(500), key=lambda i: values[i])[:20])
    assert smallest(values[:5], 20).tolist() == [0, 1, 2, 3, 4]
    # A draw of more holds the draw of fewer.
    assert set(smallest(values, 10)) < set(chosen)
