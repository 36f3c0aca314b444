from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.checkpoints import encoder_from_pretrained
from pyg_moleblend.chem import MoleculeError, parse_smiles
from pyg_moleblend.datasets.recipe import RECIPE_KEY, recipe_of
from pyg_moleblend.datasets.targets import (
    bounds_of,
    count_flat,
    labels_of,
    names_of,
    rows_of,
    select_targets,
    smiles_of,
)
from pyg_moleblend.inference.intervals import LEVEL, coverage
from pyg_moleblend.inference.loaded_model import SIMILARITY
from pyg_moleblend.inference.quick_predictor import embedding_readout, save_quick_predictor, split_vectors
from pyg_moleblend.inference.run_batches import pick_device, run_batches
from pyg_moleblend.metrics import TaskType
from pyg_moleblend.metrics.predictions import FOLDS, PartPredictions, write_predictions
from pyg_moleblend.metrics.results import METRICS_FILE, describe_scores, plain, write_metrics
from pyg_moleblend.metrics.task import Task, scores
from pyg_moleblend.models import MoleBlendForEmbedding
from pyg_moleblend.quick import QuickModel
from pyg_moleblend.quick.folds import Grouping
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.splits import Split
from pyg_moleblend.training.folder import check_folder, one_run
from pyg_moleblend.training.problem import check_split
from pyg_moleblend.training.run import MODEL_FOLDER
from pyg_moleblend.training.settings import ENCODER
from pyg_moleblend.utils.molecules import Modality, check_modality

REPORT_FILE = "report.json"

Matrix = NDArray[np.float64]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QuickRun:
    r"""A fit that has ended.

    Attributes:
        model: The model.
        metrics: What ``metrics.json`` holds.
        folder: The folder; :func:`~pyg_moleblend.inference.predict` takes it.
    """

    model: QuickModel
    metrics: dict[str, Any]
    folder: Path


def fit(
    molecules: Sequence[Data] | Any,
    out: str | Path,
    split: Split | None = None,
    encoder: str | Path | None = ENCODER,
    targets: Sequence[str] | None = None,
    kind: TaskType | None = None,
    modality: Modality = "2d",
    folds: Grouping = "scaffold",
    batch_size: int = 64,
    device: str = "auto",
    seed: int = 0,
    num_workers: int = 0,
    components: Iterable[type] = (),
) -> QuickRun:
    r"""Fits a quick model: kernel machines and a forest on fingerprints, descriptors and a frozen encoder's vectors.

    It takes seconds to minutes, and is often as good as fine-tuning for up to some thousand labels. Everything is
    chosen over folds of the training molecules; validation and test molecules are only scored.

    Args:
        molecules: A PyG dataset or a list of ``Data``, with ``smiles``, and ``y`` ``[1, T]``, NaN where there is no
            label.
        out: Folder: ``model/`` for :func:`~pyg_moleblend.inference.predict`, ``metrics.json``, ``split.json``,
            ``predictions.csv`` of validation, test and the folds, and ``report.json``, what was chosen and what each
            part of the model is worth.
        split: Which of them are for training; all by default.
        encoder: What gives the vectors: a model's folder, a packaged encoder or a hub repository, which stays as it is;
            ``None`` does without. (default: :obj:`"moleblend-tiny"`)
        targets: Targets to learn, by name; all by default.
        kind: ``"classification"`` or ``"regression"``; by default the former if all labels are 0 or 1.
        modality: Which inputs the encoder uses. (default: :obj:`"2d"`)
        folds: ``"scaffold"`` where new molecules will have other scaffolds, ``"random"`` where they will be like these.
            (default: :obj:`"scaffold"`)
        batch_size: Molecules of a batch of the encoder. (default: :obj:`64`)
        device: Of the encoder; ``"auto"`` is a GPU where there is one. (default: :obj:`"auto"`)
        seed: Everything random follows from it. (default: :obj:`0`)
        num_workers: Processes that compute features, and threads of forests; 0 is one of each. (default: :obj:`0`)
        components: Classes of your own that the encoder holds and that are not registered. (default: :obj:`()`)

    Raises:
        ValueError: If targets, labels and split do not fit each other, a molecule has no SMILES, or there is a run in
            the folder.
    """
    out = Path(out)
    check_no_run(out)
    if encoder is None and modality != "2d":
        raise ValueError(f"without an encoder nothing looks at 3D: leave the modality {modality!r} out")
    labelled = select_targets(molecules, targets)
    if bounds := bounds_of(labelled).total:
        raise ValueError(
            f"{bounds} labels are bounds, from which a quick model cannot learn: use finetune, or empty these cells"
        )
    smiles = np.array(smiles_of(labelled.molecules), dtype=object)
    if split is None:
        nobody = torch.empty(0, dtype=torch.long)
        split = Split("all molecules", torch.arange(len(smiles)), nobody, nobody)
    check_split(split, len(smiles))
    labels = labels_of(labelled).numpy().copy()  # rows that cannot be scored are taken out
    train, held_out = split.train.numpy(), {"valid": split.valid.numpy(), "test": split.test.numpy()}
    task = Task.from_labels(torch.from_numpy(labels[train]), labelled.names, kind, labelled.units)
    for part, rows in held_out.items():
        task.check(torch.from_numpy(labels[rows]), f"{part} molecules")
    _check_readable(smiles.tolist())
    flat = count_flat(labelled.molecules)
    if modality == "2d+3d" and flat == len(smiles):
        modality = "2d"
    if modality == "3d" and flat:
        raise ValueError(
            f"{flat} of the {len(smiles)} molecules have no coordinates to fit from 3D: give them conformers "
            "(--conformers 1), or take the modality '2d+3d'"
        )
    if modality == "2d+3d" and flat:
        _log.warning("%d of the %d molecules have no coordinates and enter from 2D alone", flat, len(smiles))
    embedder = _embedder(encoder, components)
    with one_run(out):
        check_no_run(out)
        for leftover in out.glob(f".{MODEL_FOLDER}.*.tmp"):  # of a fit that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        vectors = None
        if embedder is not None:
            computed = _embed(embedder, labelled.molecules, check_modality(modality), batch_size, device)
            vectors = split_vectors(embedder, computed)
        model = QuickModel.fit(
            smiles[train].tolist(),
            labels[train],
            task.names,
            task.kind,
            _rows(vectors, train),
            folds,
            seed=seed,
            num_workers=num_workers,
        )
        metrics: dict[str, Any] = {
            "seed": seed,
            "split": str(split),
            "metric": task.metrics[0],
            "modality": modality,
            "train_molecules": model.report["molecules"],
            "folds": {
                "grouped_by": folds,
                "targets": {name: _over_folds(of) for name, of in model.report["targets"].items()},
            },
        }
        if lost := model.report["failures"]:
            _log.warning("%d of the %d training molecules are left out, the first: %s", len(lost), len(train), lost[0])
        told = [_told(FOLDS, molecules, train, smiles, {"label": labels[train], "prediction": model.out_of_fold}, {})]
        for part, rows in held_out.items():
            if len(rows):
                predicted = model.predict(smiles[rows].tolist(), _rows(vectors, rows), num_workers)
                if predicted.failures:
                    labels[rows[[failure.row for failure in predicted.failures]]] = np.nan
                    first = predicted.failures[0]
                    _log.warning("%d %s molecules are not scored, the first: %s", len(predicted.failures), part, first)
                found, known = torch.from_numpy(predicted.values), torch.from_numpy(labels[rows])
                metrics[part] = {"molecules": len(rows), **describe_scores(scores(task, known, found), task.names)}
                values = {"label": labels[rows], "prediction": predicted.values}
                if task.kind == "regression":
                    values["lower"], values["upper"] = model.interval(predicted, LEVEL)
                    held = coverage(task.names, values["label"], values["lower"], values["upper"])
                    metrics[part]["intervals"] = {"level": LEVEL, "targets": held}
                told.append(_told(part, molecules, rows, smiles, values, {SIMILARITY: predicted.similarity}))
        metadata = {"task": task.to_dict(), "modality": modality, "split": str(split), "seed": seed}
        if (recipe := recipe_of(molecules)) is not None:
            metadata[RECIPE_KEY] = recipe.to_dict()
        split.save(out / "split.json", getattr(molecules, "row", None), names_of(molecules))
        save_quick_predictor(model, embedder, out / MODEL_FOLDER, metadata)
        write_predictions(out, task.names, told)
        with atomic_write(out / REPORT_FILE, "w") as file:
            json.dump(plain(model.report), file, indent=1)
        write_metrics(out, metrics)
    return QuickRun(model, metrics, out)


def _check_readable(smiles: Sequence[str]) -> None:
    for place, text in enumerate(smiles):
        try:
            parse_smiles(text)
        except MoleculeError as error:
            raise ValueError(f"molecule {place} cannot be read from its SMILES, leave it out: {error}") from error


def check_no_run(out: Path) -> None:
    r"""Raises ``ValueError`` if there is a run in a folder."""
    check_folder(out, resume=False)
    if (out / METRICS_FILE).is_file():
        raise ValueError(f"{out} holds a run already: name another folder")


def _embedder(encoder: str | Path | None, components: Iterable[type]) -> MoleBlendForEmbedding | None:
    if encoder is None:
        return None
    loaded = encoder_from_pretrained(encoder, components)
    return MoleBlendForEmbedding(loaded, embedding_readout(loaded)).eval()


def _embed(model: MoleBlendForEmbedding, molecules: Any, modality: Modality, batch_size: int, device: str) -> Tensor:
    place = pick_device(device)
    model.to(place)
    vectors = run_batches(lambda batch: model(batch, modality), molecules, batch_size, place)
    model.cpu()
    return vectors


def _rows(vectors: dict[str, Matrix] | None, rows: NDArray[np.int64]) -> dict[str, Matrix] | None:
    return None if vectors is None else {name: values[rows] for name, values in vectors.items()}


def _told(
    part: str,
    molecules: Any,
    rows: NDArray[np.int64],
    smiles: NDArray[Any],
    values: dict[str, Matrix],
    more: dict[str, NDArray[np.float64]],
) -> PartPredictions:
    source = rows_of(molecules, torch.from_numpy(rows)).numpy()
    return PartPredictions(part, source, smiles[rows].tolist(), values, more)


def _over_folds(target: dict[str, Any]) -> dict[str, Any]:
    return {target["metric"]: target["score"], "labels": target["labels"], "model": target["chosen"]}
