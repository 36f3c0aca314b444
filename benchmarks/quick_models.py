r"""What can stand in a table beside the floor: the quick model, with an encoder's vectors or without; these alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from pyg_moleblend.checkpoints import encoder_from_pretrained
from pyg_moleblend.checkpoints.model_folder import locate
from pyg_moleblend.checkpoints.packaged import WEIGHTS_FILE
from pyg_moleblend.datasets import MoleculeDataset
from pyg_moleblend.inference import run_batches
from pyg_moleblend.inference.quick_predictor import embedding_readout, split_vectors
from pyg_moleblend.metrics import METRICS, Evaluator
from pyg_moleblend.models import MoleBlendForEmbedding
from pyg_moleblend.quick import FINGERPRINTS, QuickModel
from pyg_moleblend.quick.folds import Grouping
from pyg_moleblend.quick.members import MEMBERS
from pyg_moleblend.runtime.files import digest_of
from pyg_moleblend.splits import Split

Matrix = NDArray[np.float64]

STRENGTHS = [0.3, 1.0, 3.0, 10.0, 30.0]


def frozen_vectors(source: str, molecules: MoleculeDataset) -> dict[str, Matrix]:
    r"""What the quick model looks at of an encoder, of the 2D graphs."""
    encoder = encoder_from_pretrained(source)
    model = MoleBlendForEmbedding(encoder, embedding_readout(encoder)).eval()
    return split_vectors(model, run_batches(lambda batch: model(batch, "2d"), molecules))


def rows_of(vectors: dict[str, Matrix] | None, rows: NDArray[np.int64]) -> dict[str, Matrix] | None:
    r"""Those of some molecules."""
    return None if vectors is None else {name: values[rows] for name, values in vectors.items()}


class Quick:
    r"""The quick model, fitted to the training molecules.

    Args:
        source: Folder or name of a pretrained encoder whose vectors it has as inputs; none by default.
        members: Which of its members.
        folds: What new molecules are like, ``"scaffold"`` or ``"random"``.
    """

    def __init__(
        self, source: str | None = None, members: tuple[str, ...] = MEMBERS, folds: Grouping = "scaffold"
    ) -> None:
        self.source = source
        self.members = members
        self.folds = folds

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": "quick",
            **_of(self.source),
            "members": list(self.members),
            "fingerprints": list(FINGERPRINTS),
            "folds": self.folds,
        }

    def measure(self, molecules: MoleculeDataset, split: Split, metric: str, seed: int, folder: Path) -> dict[str, Any]:
        labels, smiles = molecules.y.double().numpy(), np.array(molecules.smiles, dtype=object)
        vectors = None if self.source is None else frozen_vectors(self.source, molecules)
        train, held_out = split.train.numpy(), torch.cat([split.valid, split.test]).numpy()
        model = QuickModel.fit(
            smiles[train].tolist(),
            labels[train],
            kind=METRICS[metric].task_type,
            extra=rows_of(vectors, train),
            folds=self.folds,
            members=self.members,
            seed=seed,
        )
        predicted = model.predict(smiles[held_out].tolist(), rows_of(vectors, held_out))
        # OGB keeps molecules that RDKit cannot read: nothing is known of them but what the others are like.
        values = np.where(np.isnan(predicted.values), np.nanmean(labels[train], axis=0), predicted.values)
        found = scores(molecules, split, metric, values)
        return {**found, "molecules_without_features": len(predicted.failures)}


class Frozen:
    r"""An encoder's fingerprint of environments alone: support vector regression, its strength by four folds of the
    training molecules.

    Args:
        source: Folder or name of a pretrained encoder.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def to_dict(self) -> dict[str, Any]:
        return {"name": "frozen environments, support vectors", **_of(self.source), "strengths": STRENGTHS}

    def measure(self, molecules: MoleculeDataset, split: Split, metric: str, seed: int, folder: Path) -> dict[str, Any]:
        if METRICS[metric].task_type != "regression" or molecules.y.size(1) != 1:
            raise ValueError(f"frozen vectors are measured on one regression, got {metric} of {molecules.y.size(1)}")
        labels, vectors = molecules.y.double().numpy(), frozen_vectors(self.source, molecules)["environments"]
        train, held_out = split.train.numpy(), torch.cat([split.valid, split.test]).numpy()
        known = StandardScaler().fit(vectors[train])
        seen, new = known.transform(vectors[train]), known.transform(vectors[held_out])
        scale = StandardScaler().fit(labels[train])
        # The kernel is computed once, not by every fit.
        search = GridSearchCV(
            SVR(kernel="precomputed", cache_size=1000), {"C": STRENGTHS}, scoring="neg_mean_squared_error", cv=4
        )
        search.fit(rbf_kernel(seen), scale.transform(labels[train])[:, 0])
        predicted = scale.inverse_transform(search.predict(rbf_kernel(new, seen))[:, None])
        return scores(molecules, split, metric, predicted)


def scores(molecules: MoleculeDataset, split: Split, metric: str, predictions: Matrix) -> dict[str, Any]:
    r"""The metric on the test molecules, on those for validation if there are any, and on the test's activity cliffs
    where the dataset marks them; predictions ``[K, T]`` are of validation and test, one after the other."""
    labels, evaluator = molecules.y.double().numpy(), Evaluator(metric)
    valid, test = split.valid.numpy(), split.test.numpy()
    tested = predictions[len(valid) :]
    score = evaluator(y_true=labels[test], y_pred=tested)
    found: dict[str, Any] = {
        "value": score.value,
        "valid_value": evaluator(y_true=labels[valid], y_pred=predictions[: len(valid)]).value if len(valid) else None,
        "tasks": labels.shape[1],
        "n_tasks_scored": score.num_tasks_scored,
    }
    if (cliff := getattr(molecules, "cliff", None)) is not None:
        on_cliff = cliff.numpy()[test]
        found["cliff_value"] = evaluator(y_true=labels[test][on_cliff], y_pred=tested[on_cliff]).value
    return found


def _of(source: str | None) -> dict[str, Any]:
    if source is None:
        return {"weights": None}
    return {"weights": digest_of(locate(source) / WEIGHTS_FILE)[:16]}
