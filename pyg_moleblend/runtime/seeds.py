import hashlib


def derived_seed(seed: int, *path: int) -> int:
    r"""A seed of its own for each place of a run: the same in every process and on every machine.

    Args:
        seed: The run's seed.
        path: Numbers that tell the place: epoch, batch, rank.

    Returns:
        An integer from 0 to 2⁶³ - 1.
    """
    text = " ".join(map(str, (seed, *path)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
