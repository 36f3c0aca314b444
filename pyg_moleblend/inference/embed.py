r"""Representations of molecules by the encoder of a saved model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from pyg_moleblend.checkpoints import encoder_from_pretrained, from_pretrained, read_metadata
from pyg_moleblend.checkpoints.model_folder import EMBEDDER, QUICK, component_name, locate
from pyg_moleblend.chem import Conformers
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.inference.loaded_model import MAX_ATOMS, LoadedModel, conformer_settings, table_of
from pyg_moleblend.models import MoleBlendForEmbedding
from pyg_moleblend.models.config import config_of
from pyg_moleblend.nn import Readout
from pyg_moleblend.utils.molecules import Modality, check_modality


def embed(
    source: str | Path,
    molecules: MoleculeTable | Sequence[str],
    modality: Modality | None = None,
    batch_size: int = 64,
    device: str = "auto",
    seed: int | None = None,
    conformers: Conformers | int = 1,
    num_workers: int = 0,
    components: Iterable[type] = (),
    max_atoms: int | None = MAX_ATOMS,
    readout: Readout | Callable[[int], Readout] | None = None,
) -> pd.DataFrame:
    r"""The representation of each molecule: the final state of its graph token, or what a readout makes of the output.

    Args:
        source: A folder with a model of any kind, or a hub repository.
        molecules: As for :func:`predict`.
        modality: Which inputs to use; those that the model was trained with by default.
        batch_size: Molecules of a batch. (default: :obj:`64`)
        device: ``"auto"`` is a GPU where there is one. (default: :obj:`"auto"`)
        seed: Seed of the conformers; that of the training molecules' by default, or 0.
        conformers: As for :func:`predict`. (default: :obj:`1`)
        num_workers: As for :func:`predict`. (default: :obj:`0`)
        components: As for :func:`predict`; of the encoder alone. (default: :obj:`()`)
        max_atoms: As for :func:`predict`. (default: :obj:`1000`)
        readout: What makes the vectors, used as it is, or what makes that of C, such as its class:
            :class:`~pyg_moleblend.nn.EnvironmentReadout` for kernel machines, for one. That of a saved
            :class:`~pyg_moleblend.models.MoleBlendForEmbedding` by default, else the graph token.

    Returns:
        As :func:`predict`, with a column for each number of the vector, ``e0``, ``e1``, ..., and without standard
        deviations.

    Raises:
        ValueError: If a table was read with other hydrogens than the training's, or several conformers are asked for
            and no 3D.
    """
    model = load_embedder(source, modality, batch_size, device, seed, conformers, components, readout)
    return model.of_table(table_of(molecules, model.recipe, max_atoms), num_workers)


def load_embedder(
    source: str | Path,
    modality: Modality | None = None,
    batch_size: int = 64,
    device: str = "auto",
    seed: int | None = None,
    conformers: Conformers | int = 1,
    components: Iterable[type] = (),
    readout: Readout | Callable[[int], Readout] | None = None,
) -> LoadedModel:
    r"""What :func:`embed` embeds with; its arguments are those of that function."""
    model, metadata = embedding_model(source, components, readout), read_metadata(source)
    recipe, inputs = Recipe.from_metadata(metadata), check_modality(modality or metadata.get("modality", "2d+3d"))

    def compute(batch: Any) -> Tensor:
        vectors: Tensor = model(batch, inputs)
        return vectors

    names = [f"e{i}" for i in range(model.readout.out_channels)]
    wanted = conformer_settings(conformers, seed, recipe)
    return LoadedModel(compute, names, torch.float32, [model], recipe, inputs, wanted, False, batch_size, device)


def embedding_model(
    source: str | Path,
    components: Iterable[type] = (),
    readout: Readout | Callable[[int], Readout] | None = None,
) -> MoleBlendForEmbedding:
    r"""The encoder of a saved model with a readout, in evaluation mode; its arguments are those of :func:`embed`."""
    if readout is None and component_name(source) == MoleBlendForEmbedding.__name__:
        saved: MoleBlendForEmbedding = from_pretrained(source, components)
        return saved
    if component_name(source) == QUICK:
        inner = locate(source) / EMBEDDER
        if not inner.is_dir():
            raise ValueError(f"the model in {source} was fitted without an encoder: there is nothing to embed with")
        return embedding_model(inner, components, readout)
    encoder = encoder_from_pretrained(source, components)
    made = readout if readout is None or isinstance(readout, Readout) else readout(config_of(encoder).channels)
    return MoleBlendForEmbedding(encoder, made).eval()
