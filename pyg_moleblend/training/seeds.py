import numpy as np


def derived_seed(seed: int, *path: int) -> int:
    r"""A seed of its own for each place of a run: the same in every process and on every machine.

    Args:
        seed: The run's seed.
        path: Numbers that tell the place: epoch, batch, rank.

    Returns:
        An integer from 0 to 2⁶³ - 1.

    Raises:
        ValueError: If a number is negative.
    """
    numbers = (seed, *path)
    if min(numbers) < 0:
        raise ValueError(f"seeds and places must not be negative, got {numbers}")
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))
