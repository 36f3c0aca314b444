r"""What the benchmarks of OGB ask for: its own evaluators, and the file that its leaderboard wants."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pyg_moleblend.runtime.files import atomic_write

PCQM4MV2 = "pcqm4mv2"


def ogb_evaluator(name: str) -> Any:
    r"""OGB's ``Evaluator`` of a set, or its ``PCQM4Mv2Evaluator``.

    Ours (:class:`~pyg_moleblend.metrics.Evaluator`) gives the same digits for float64 arguments, and needs no package;
    importing OGB's takes seconds and looks for a newer version on the web.

    Args:
        name: ``"ogbg-molhiv"`` and so on, or ``"pcqm4mv2"``.

    Raises:
        ImportError: If the package ``ogb`` is not installed.
        ValueError: If OGB has no such set.
    """
    try:
        from ogb.graphproppred import Evaluator
        from ogb.lsc import PCQM4Mv2Evaluator
    except ModuleNotFoundError as error:
        raise ImportError("OGB's evaluators need its package: pip install 'pyg-moleblend[ogb]'") from error
    return PCQM4Mv2Evaluator() if name == PCQM4MV2 else Evaluator(name)


def save_pcqm4mv2_submission(
    folder: str | Path,
    part: str,
    *,
    wanted: ArrayLike,
    row: ArrayLike,
    y_pred: ArrayLike,
    fallback: float | None = None,
) -> Path:
    r"""Writes PCQM4Mv2's submission as OGB's ``PCQM4Mv2Evaluator.save_test_submission`` does.

    Args:
        folder: Where the file shall be.
        part: ``"test-dev"`` or ``"test-challenge"``.
        wanted: Rows of that part, in the official order, ``[P]``.
        row: Rows of the predictions, in any order; others than those wanted do not matter.
        y_pred: Predictions in eV, one a row of `row`, ``[R]`` or ``[R, 1]``.
        fallback: What to predict for wanted rows without a prediction, which are molecules that could not be read;
            by default there may be none.

    Returns:
        The file, ``y_pred_pcqm4m-v2_<part>.npz``.

    Raises:
        ValueError: If the part is unknown, there are not as many predictions as rows, a row has several, a wanted row
            has none or one that is not finite.
    """
    if part not in ("test-dev", "test-challenge"):
        raise ValueError(f"`part` must be 'test-dev' or 'test-challenge', got {part!r}")
    rows, wanted_rows = np.asarray(row, dtype=np.int64), np.asarray(wanted, dtype=np.int64)
    values = np.asarray(y_pred, dtype=np.float64)
    if rows.ndim != 1 or values.shape not in ((len(rows),), (len(rows), 1)):
        raise ValueError(f"expected one prediction a row, got rows {rows.shape} and predictions {values.shape}")
    numbers, counts = np.unique(rows, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"{int((counts > 1).sum())} rows have several predictions: {numbers[counts > 1][:5].tolist()}")
    of_row = dict(zip(rows.tolist(), values.reshape(-1).tolist(), strict=True))
    missing = [number for number in wanted_rows.tolist() if number not in of_row]
    if missing and fallback is None:
        raise ValueError(f"{len(missing)} rows of {part} have no prediction: {missing[:5]}; give a `fallback` for them")
    found = np.array([of_row.get(number, fallback) for number in wanted_rows.tolist()], dtype=np.float32)
    if bad := wanted_rows[~np.isfinite(found)].tolist():
        raise ValueError(f"{len(bad)} predictions of {part} are not finite, of the rows {bad[:5]}")
    path = Path(folder) / f"y_pred_pcqm4m-v2_{part}.npz"
    with atomic_write(path) as file:
        np.savez_compressed(file, y_pred=found)
    return path
