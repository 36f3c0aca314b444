r"""The floor under every other number: circular fingerprints and a random forest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from pyg_moleblend.chem import MoleculeError, parse_smiles
from pyg_moleblend.metrics import TaskType

RADIUS = 2
NUM_BITS = 2048

Floats = NDArray[np.float64]


class Fingerprints(NamedTuple):
    r"""Morgan fingerprints of radius 2 (ECFP4).

    Attributes:
        bits: uint8 ``[M, 2048]``, 0 or 1.
        missing: Positions of molecules that RDKit cannot read; none of their bits is set.
    """

    bits: NDArray[np.uint8]
    missing: list[int]


@dataclass(frozen=True)
class Forest:
    r"""A random forest for each task, of scikit-learn's defaults but for these.

    Args:
        trees: Trees of a forest.
        max_features: Share of the bits that a split looks at; by default the square root of their number for
            classification, as scikit-learn has it, and a third of them for regression, as Breiman has it.
        max_samples: Share of the training molecules that a tree is grown on; by default a bootstrap of all of them.
        max_train: Most training molecules, drawn by the seed; all by default.

    Raises:
        ValueError: If a value is out of its range.
    """

    trees: int = 100
    max_features: float | None = None
    max_samples: float | None = None
    max_train: int | None = None

    def __post_init__(self) -> None:
        for name in ("trees", "max_train"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1, got {value}")
        for name in ("max_features", "max_samples"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"`{name}` must be a share above 0 and at most 1, got {value}")

    def to_dict(self) -> dict[str, Any]:
        r"""Everything that the predictions depend on besides data and seed, as JSON."""
        settings = {"name": "ECFP + random forest", "radius": RADIUS, "bits": NUM_BITS, **asdict(self)}
        return settings | {"max_features": self.max_features or "classification: square root, regression: a third"}

    def fit_predict(
        self,
        train: NDArray[np.uint8],
        labels: Floats,
        test: NDArray[np.uint8],
        kind: TaskType,
        seed: int,
        num_jobs: int = 1,
    ) -> tuple[Floats, int]:
        r"""Fits a forest to each task's labelled molecules, and predicts.

        Args:
            train: Fingerprints ``[M, F]``.
            labels: Their labels ``[M, T]``, NaN where there is none.
            test: Fingerprints ``[K, F]``.
            kind: What the labels are.
            seed: Of the forests, and of the draw of ``max_train``.
            num_jobs: Threads; the predictions do not depend on it.

        Returns:
            Predictions ``[K, T]``, probabilities of class 1 for a classification; and how many tasks no forest
            could be grown for: without a label, or with one class only, the prediction is a constant.
        """
        if self.max_train is not None and self.max_train < len(train):
            drawn = np.sort(np.random.default_rng(seed).permutation(len(train))[: self.max_train])
            train, labels = train[drawn], labels[drawn]
        # One bit in fifty is set: scikit-learn grows a classification's trees several times faster from sparse columns.
        rows, test_rows = csr_matrix(train, dtype=np.float32), csr_matrix(test, dtype=np.float32)
        predictions, constant = np.zeros((len(test), labels.shape[1])), 0
        for task, column in enumerate(labels.T):
            known = ~np.isnan(column)
            values = np.unique(column[known])
            if len(values) < 2:
                constant += 1
                predictions[:, task] = values[0] if len(values) else 0.0
                continue
            forest = self._forest(kind, seed, num_jobs).fit(rows[known].tocsc(), column[known])
            predictions[:, task] = (
                forest.predict(test_rows)
                if kind == "regression"
                else forest.predict_proba(test_rows)[:, list(forest.classes_).index(1.0)]
            )
        return predictions, constant

    def _forest(self, kind: TaskType, seed: int, num_jobs: int) -> Any:
        settings = {
            "n_estimators": self.trees,
            "max_samples": self.max_samples,
            "random_state": seed,
            "n_jobs": num_jobs,
        }
        if kind == "classification":
            return RandomForestClassifier(max_features=self.max_features or "sqrt", **settings)
        return RandomForestRegressor(max_features=self.max_features or 1 / 3, **settings)


@lru_cache(maxsize=1)  # every split and seed of a dataset wants the same
def fingerprints(smiles: tuple[str, ...]) -> Fingerprints:
    r"""Fingerprints of molecules; of one that RDKit cannot read, an empty one, and its position."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=NUM_BITS)
    bits, missing = np.zeros((len(smiles), NUM_BITS), np.uint8), []
    for position, text in enumerate(smiles):
        try:
            bits[position] = generator.GetFingerprintAsNumPy(parse_smiles(text))
        except MoleculeError:
            missing.append(position)
    bits.flags.writeable = False
    return Fingerprints(bits, missing)
