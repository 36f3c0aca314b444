r"""MoleculeACE's two scores."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pyg_moleblend.metrics import Evaluator


class CliffScores(NamedTuple):
    r"""What predictions are worth, on all molecules and on activity cliffs.

    Attributes:
        rmse: Root mean squared error of all molecules, in log units.
        rmse_cliff: The same of the activity-cliff molecules alone; NaN where there is none.
        num_molecules: Number of molecules.
        num_cliff: How many of them are on a cliff.
    """

    rmse: float
    rmse_cliff: float
    num_molecules: int
    num_cliff: int

    def __str__(self) -> str:
        return (
            f"rmse {self.rmse:.4f} ({self.num_molecules} molecules), rmse_cliff {self.rmse_cliff:.4f} "
            f"({self.num_cliff} molecules)"
        )


def evaluate(*, y_true: Tensor | ArrayLike, y_pred: Tensor | ArrayLike, cliff: Tensor | ArrayLike) -> CliffScores:
    r"""RMSE and RMSE\ :sub:`cliff` as `MoleculeACE <https://doi.org/10.1021/acs.jcim.2c01073>`_ defines them.

    The arguments are named, so that they cannot be swapped.

    Args:
        y_true: Potencies of M test molecules, ``[M]`` or ``[M, 1]``.
        y_pred: Predictions of the same shape.
        cliff: Which of the molecules are on an activity cliff, bool ``[M]``, as ``dataset.cliff`` has it.

    Raises:
        ValueError: If the numbers of molecules differ, or a prediction is not finite.
    """
    marks = _flat(cliff, bool)
    labels, predictions = _flat(y_true, np.float64), _flat(y_pred, np.float64)
    if not len(marks) == len(labels) == len(predictions):
        raise ValueError(
            f"labels, predictions and cliff marks must be of the same molecules, got {len(labels)}, "
            f"{len(predictions)} and {len(marks)} of them"
        )
    score = Evaluator("rmse")
    return CliffScores(
        rmse=score(y_true=labels, y_pred=predictions).value,
        rmse_cliff=score(y_true=labels[marks], y_pred=predictions[marks]).value,
        num_molecules=len(marks),
        num_cliff=int(marks.sum()),
    )


def _flat(values: Tensor | ArrayLike, dtype: type) -> np.ndarray:
    if isinstance(values, Tensor):
        values = values.detach().to("cpu", torch.float64).numpy()
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"expected one value a molecule, [M] or [M, 1], got shape {list(array.shape)}")
    return array.astype(dtype)
