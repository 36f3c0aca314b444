r"""What a run predicted of molecules that it had not seen: a table beside its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyg_moleblend.runtime.files import atomic_write

PREDICTIONS_FILE = "predictions.csv"
FOLDS = "folds"
r"""The part of training molecules, each predicted by models that had not seen its fold."""

Matrix = NDArray[np.float64]


class PartPredictions(NamedTuple):
    r"""Predictions of one part of the molecules.

    Attributes:
        part: ``"valid"``, ``"test"`` or :data:`FOLDS`.
        rows: Their rows in the source, ``[M]``.
        smiles: What they are, or what tells them apart, ``[M]``.
        values: Each ``[M, T]``: ``"label"``, NaN where there is none, ``"prediction"``, and ``"lower"`` and ``"upper"``
            where there are intervals.
        more: What else is known of each molecule, by name, ``[M]``.
    """

    part: str
    rows: NDArray[np.int64]
    smiles: Sequence[str]
    values: Mapping[str, Matrix]
    more: Mapping[str, NDArray[np.float64]]


def write_predictions(folder: Path, targets: Sequence[str], parts: Sequence[PartPredictions]) -> Path:
    r"""Writes ``predictions.csv``: ``part``, ``row``, ``smiles``, what else is known, and ``label:TARGET``,
    ``prediction:TARGET``, ... for each target.

    Args:
        folder: Where to.
        targets: Names of the T targets.
        parts: The predictions.
    """
    frames = [
        pd.DataFrame(
            {
                "part": part.part,
                "row": part.rows,
                "smiles": list(part.smiles),
                **part.more,
                **{f"{what}:{name}": of[:, i] for i, name in enumerate(targets) for what, of in part.values.items()},
            }
        )
        for part in parts
    ]
    path = folder / PREDICTIONS_FILE
    with atomic_write(path, "w") as file:
        pd.concat([frame for frame in frames if len(frame)] or [_nothing(targets)]).to_csv(file, index=False)
    return path


def _nothing(targets: Sequence[str]) -> pd.DataFrame:
    values = [f"{what}:{name}" for name in targets for what in ("label", "prediction")]
    return pd.DataFrame(columns=["part", "row", "smiles", *values])
