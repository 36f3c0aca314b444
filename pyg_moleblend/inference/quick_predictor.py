r"""A quick model with the encoder whose vectors it looks at, as one folder of a model.

Beside ``quick.json`` and ``quick.safetensors`` lie ``config.json``, with what is known of the molecules, and
``embedder``, a model folder of its own, where there is an encoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.checkpoints import read_metadata, save_pretrained
from pyg_moleblend.checkpoints.model_folder import EMBEDDER, QUICK, locate, save_metadata
from pyg_moleblend.checkpoints.packaged import WEIGHTS_FILE
from pyg_moleblend.chem import Conformers
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.datasets.targets import smiles_of
from pyg_moleblend.inference.embed import embedding_model
from pyg_moleblend.inference.intervals import end_columns, interval_widths, same_inputs
from pyg_moleblend.inference.loaded_model import SIMILARITY, LoadedModel, conformer_settings, target_columns
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.models import MoleBlendForEmbedding
from pyg_moleblend.nn import EnvironmentReadout, JoinedReadout, PooledReadout
from pyg_moleblend.quick import QuickModel
from pyg_moleblend.runtime.files import digest_of, whole_folder
from pyg_moleblend.utils.molecules import check_modality

Matrix = NDArray[np.float64]


def embedding_readout(encoder: Any) -> JoinedReadout:
    r"""What a quick model looks at of an encoder: the graph token with the mean and the sum of the atoms' states, and,
    where the encoder shows its layers, the fingerprint of the atoms' environments."""
    channels = encoder.config.channels
    parts: dict[str, Any] = {"embedding": PooledReadout(channels)}
    # The last layer's states are of the molecule, not of a neighbourhood.
    layers = list(range(1, encoder.config.num_layers))
    if layers and hasattr(encoder, "encode_with_hidden_states"):
        parts["environments"] = EnvironmentReadout(channels, layers)
    return JoinedReadout(channels, parts)


def split_vectors(model: MoleBlendForEmbedding, vectors: Tensor) -> dict[str, Matrix]:
    r"""Vectors ``[M, F]`` that a readout of :func:`embedding_readout` has made, by name of its parts."""
    readout = model.readout
    sizes = readout.sizes if isinstance(readout, JoinedReadout) else {"embedding": readout.out_channels}
    parts = vectors.double().split(list(sizes.values()), dim=1)
    return {name: part.numpy() for name, part in zip(sizes, parts, strict=True)}


def save_quick_predictor(
    model: QuickModel, embedder: MoleBlendForEmbedding | None, folder: Path, metadata: dict[str, Any]
) -> Path:
    r"""Writes a model for :func:`load_quick_predictor`.

    Args:
        model: The model.
        embedder: What made the vectors that it was fitted with.
        folder: Where to; made when it does not exist.
        metadata: JSON values: ``task``, ``modality``, and the recipe of the molecules.

    Returns:
        The folder.
    """
    with whole_folder(folder) as place:
        if embedder is not None:
            save_pretrained(embedder, place / EMBEDDER)
            metadata = {**metadata, EMBEDDER: digest_of(place / EMBEDDER / WEIGHTS_FILE)}
        model.save(place)
        save_metadata(place, QUICK, metadata)
    return folder


def load_quick_predictor(
    source: str | Path,
    modality: str | None = None,
    batch_size: int = 64,
    device: str = "auto",
    seed: int | None = None,
    conformers: Conformers | int = 1,
    components: Iterable[type] = (),
    level: float | None = None,
) -> LoadedModel:
    r"""What predicts by a quick model: each target, ``TARGET_lower`` and ``TARGET_upper`` of a regression, and
    ``similarity``, see :class:`~pyg_moleblend.quick.QuickPrediction`.

    Args:
        source: The folder.
        modality: Which inputs the encoder uses; those of the fit by default.
        batch_size: Molecules of a batch.
        device: ``"auto"`` is a GPU where there is one.
        seed: Seed of conformers.
        conformers: Of molecules without coordinates; the mean of the vectors over them is taken.
        components: Classes of your own that the encoder holds and that are not registered.
        level: Probability that an interval holds the true value, of molecules like those of the training part.
            (default: :obj:`0.9`)

    Raises:
        ValueError: If a file is damaged, the level is not between 0 and 1, or it is given for classes.
    """
    folder, metadata = locate(source), read_metadata(source)
    task, recipe = Task.from_dict(metadata["task"]), Recipe.from_metadata(metadata)
    model = QuickModel.load(folder)
    if level is not None and model.kind == "classification":
        raise ValueError("a classification has probabilities, and no intervals: leave the level out")
    fitted = metadata.get("modality", "2d")
    inputs = check_modality(modality or fitted)
    errors = [np.empty(0) if of.intervals is None else of.intervals.errors for of in model.tasks]
    widths = interval_widths(model.names, errors, level) if same_inputs(inputs, fitted, level) else {}
    names = target_columns(task.names)
    there = EMBEDDER in metadata
    weights = folder / EMBEDDER / WEIGHTS_FILE
    if there and not (weights.is_file() and digest_of(weights) == metadata[EMBEDDER]):
        raise ValueError(f"{weights} is not that of the model in {folder}, which was fitted with it: fit it again")
    if inputs != "2d" and not there:
        raise ValueError(f"nothing in the model in {folder} looks at 3D: leave the modality {inputs!r} out")
    embedder = embedding_model(folder / EMBEDDER, components) if there else None

    def compute(batch: Any) -> Tensor:
        return torch.empty(batch.num_graphs, 0) if embedder is None else embedder(batch, inputs)

    def finish(molecules: Sequence[Data] | Any, vectors: Tensor) -> Tensor:
        extra = None if embedder is None else split_vectors(embedder, vectors)
        predicted = model.predict(smiles_of(molecules), extra)
        values, std = predicted.values, predicted.std
        ends = [values[:, p] + sign * width * std[:, p] for p, width in widths.items() for sign in (-1, 1)]
        return torch.from_numpy(np.stack([*values.T, *ends, predicted.similarity], axis=1))

    return LoadedModel(
        compute,
        [*names, *end_columns(names, list(widths)), SIMILARITY],
        torch.float64,
        [] if embedder is None else [embedder],
        recipe,
        inputs,
        conformer_settings(conformers, seed, recipe),
        False,
        batch_size,
        device,
        finish,
    )
