from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

from pyg_moleblend.estimators.fine_tuned import FineTuned
from pyg_moleblend.estimators.rows import warn_of


class MoleBlendRegressor(RegressorMixin, FineTuned):
    r"""Fine-tunes a whole network to values, as an estimator of scikit-learn; see
    :func:`~pyg_moleblend.training.finetune`.

    ``X`` is a list, an array, a ``Series`` or a frame of one column, of M SMILES, RDKit molecules or PyG ``Data``.
    SMILES and molecules are read with the hydrogens that the encoder has learnt from; ``Data`` are taken as they are.
    ``y`` is ``[M]`` or ``[M, T]``, NaN where there is no label.

    Args:
        encoder: The encoder to start from: the name of one that comes with the package, a folder, a hub repository, or
            a module; the configuration of one with random weights, or ``None`` for the default configuration.
            (default: :obj:`"moleblend-tiny"`)
        modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"``. If 3D is among them, SMILES and molecules
            without coordinates get a conformer, in fitting and in predicting. (default: :obj:`"2d"`)
        validation_fraction: Share of the labelled molecules that chooses the epoch and is not trained on; 0 keeps
            the last epoch. (default: :obj:`0.1`)
        patience: Epochs without a better validation before training stops. (default: :obj:`10`)
        schedule: How long and how fast; by default 40 epochs in batches of 32 with a learning rate of 5e-4. Its
            arguments are searched and set as ``schedule__epochs``, ``schedule__learning_rate``.
        machine: What to use of the machine; by default one device, a GPU where there is one, without progress bars.
        seed: Everything random follows from it; the random states of NumPy and PyTorch stay as they are.
            (default: :obj:`0`)
        criterion: How labels are distributed about what the model says, :class:`~pyg_moleblend.nn.Gaussian` say;
            squared errors by default.

    Attributes:
        model_: The fine-tuned :class:`~pyg_moleblend.models.MoleBlendForPropertyPrediction`, on the CPU.
        metadata_: What belongs to it in a folder: ``save_pretrained(model_, folder, metadata_)`` makes one for
            :func:`~pyg_moleblend.inference.predict` and the command line.
        metrics_: Scores of the validation molecules, under ``"valid"``.
        n_features_in_: 1, the column of molecules.

    Example:
        >>> model = MoleBlendRegressor().fit(["CCO", "CCN", "CCC"], [0.1, 0.2, 0.3])
        >>> model.predict(["CCCO"]).shape
        (1,)
    """

    def fit(self, X: Any, y: Any) -> MoleBlendRegressor:
        r"""Trains.

        Args:
            X: M molecules.
            y: Labels, ``[M]`` or ``[M, T]``.

        Raises:
            ValueError: If a row of ``X`` is no molecule (the error names rows and reasons), the lengths differ, a label
                is infinite, or a target has none.
        """
        labels = _values(self, y)
        self._finetune(X, labels.reshape(len(labels), -1), "regression")
        self._flat = labels.ndim == 1
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        r"""Values in the labels' unit, ``[M]`` or ``[M, T]`` as ``y`` was, in the order of ``X``.

        What is no molecule gets NaN, and a warning names it.

        Raises:
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
        """
        values = warn_of(self._outputs(X))
        return values[:, 0] if self._flat else values

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        r"""R², the mean over the targets, each of its labelled molecules.

        Args:
            X: M molecules.
            y: Labels, ``[M]`` or ``[M, T]``, NaN where there is none.
            sample_weight: ``[M]``; all alike by default.

        Raises:
            ValueError: If a labelled row of ``X`` is no molecule.
        """
        labels, predicted = _values(self, y), self.predict(X)
        check_consistent_length(predicted, labels, sample_weight)
        weight = np.ones(len(labels)) if sample_weight is None else np.asarray(sample_weight)
        columns = zip(labels.reshape(len(labels), -1).T, predicted.reshape(len(labels), -1).T, strict=True)
        known = [(true, guess, ~np.isnan(true)) for true, guess in columns]
        return float(np.mean([r2_score(true[k], guess[k], sample_weight=weight[k]) for true, guess, k in known]))


def _values(estimator: Any, y: Any) -> NDArray[np.float64]:
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    checked: NDArray[np.float64] = check_array(
        y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y", estimator=estimator
    )
    return checked
