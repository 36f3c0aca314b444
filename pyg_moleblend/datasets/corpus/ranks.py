r"""Random draws that depend on nothing but a seed and the molecules themselves.

The molecules with the smallest hashes are drawn. So a draw is the same in every process, for any order of the rows and
with any version of any random generator, and it hardly changes when a source grows.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def ranks(texts: Iterable[str], purpose: str, seed: int) -> NDArray[np.uint64]:
    r"""A random number for each text, ``[M]``; equal texts have equal ones.

    Args:
        texts: M texts: SMILES, or keys.
        purpose: What is drawn. Draws with other purposes are independent.
        seed: Of the draw.
    """
    head = f"{purpose}:{seed}:"
    digests = (blake2b(f"{head}{text}".encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def smallest(values: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    r"""Positions of the `size` smallest values, ascending positions; of all where there are no more."""
    order = np.argsort(values, kind="stable")[:size]
    return np.sort(order)
