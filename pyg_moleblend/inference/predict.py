r"""Predictions and representations of molecules by a saved model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from pyg_moleblend.checkpoints import encoder_from_pretrained, from_pretrained, read_metadata
from pyg_moleblend.chem import Conformers
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.conformers import add_missing_conformers
from pyg_moleblend.datasets.recipe import Recipe, check_recipe
from pyg_moleblend.inference.conformer_mean import conformer_mean
from pyg_moleblend.inference.run_batches import pick_device, run_batches
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction
from pyg_moleblend.models.config import config_of
from pyg_moleblend.models.moleblend import pack_for
from pyg_moleblend.models.wanted import wanted_by
from pyg_moleblend.nn import GraphTokenReadout, Readout
from pyg_moleblend.nn.checks import check_built_for
from pyg_moleblend.utils.molecules import Modality, check_modality

OK = "ok"
_OWN = {"id", "smiles", "status"}

MAX_ATOMS = 1000
r"""Most atoms of a molecule, by default: time and memory grow with the square, and large ones are seldom meant."""

_log = logging.getLogger(__name__)


def predict(
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
) -> pd.DataFrame:
    r"""Predicts the properties that a model was fine-tuned to.

    Args:
        source: A folder that :func:`~pyg_moleblend.training.finetune` wrote, or a hub repository.
        molecules: SMILES, which are read with the hydrogens of the training molecules, or a table, which has to have
            been; rows that are no molecule get NaN (a table with ``on_error="skip"`` leaves them out).
        modality: Which inputs to use; those of the fine-tuning by default. If 3D is among them, molecules without
            coordinates get a conformer, which is said in the log; those that RDKit finds none for are predicted
            from 2D, or not at all with ``"3d"``, which their status says.
        batch_size: Molecules of a batch. (default: :obj:`64`)
        device: ``"auto"`` is a GPU where there is one. (default: :obj:`"auto"`)
        seed: Seed of the conformers; that of the training molecules' by default, or 0.
        conformers: How many a molecule without coordinates gets, the other settings being those of the training
            molecules' conformers; or all settings (then ``seed`` is not looked at). (default: :obj:`1`)
        num_workers: Processes that find conformers, each killed where a molecule takes longer than the deadline; 0 is
            this one, without a hard deadline. (default: :obj:`0`)
        components: Classes of your own that the model holds and that are not registered. (default: :obj:`()`)
        max_atoms: Most atoms of a molecule that is given as SMILES; a larger one gets NaN, and its status says so. A
            table has a limit of its own. (default: :obj:`1000`)

    Returns:
        A row a molecule, in the order given: ``id``, ``smiles``, a column for each target (probabilities, or values
        in the target's unit), and ``status``, ``"ok"`` or what went wrong. A target that is called as one of these is
        the column ``TARGET_predicted``. With several conformers the values are
        means over a molecule's conformers, and a column ``TARGET_std`` for each target has their standard deviation
        (0 for a molecule that has one conformer or none).

    Raises:
        ValueError: If the model predicts no properties, a table was read with other hydrogens than the training's,
            ``molecules`` is one text or a data frame, or several conformers are asked for and no 3D.
    """
    model, metadata = from_pretrained(source, components), read_metadata(source)
    if not isinstance(model, MoleBlendForPropertyPrediction) or "task" not in metadata:
        raise ValueError(
            f"{source} holds a {type(model).__name__} that knows no property: predict with a fine-tuned model, or "
            "embed with this one"
        )
    task = Task.from_dict(metadata["task"])
    modality = check_modality(modality or metadata.get("modality", "2d+3d"))

    def compute(batch: Any) -> Tensor:
        return task.restore(model(batch, modality))

    recipe = Recipe.from_metadata(metadata)
    wanted = _settings(conformers, seed, recipe)
    names = _free(task.names, "_predicted", _OWN)
    spread = _free([f"{name}_std" for name in names], "_of_conformers", {*_OWN, *names}) if wanted.count > 1 else []
    work = conformer_mean(compute, spread=bool(spread))
    table = _table(molecules, recipe, max_atoms)
    return _frame(work, names + spread, table, model, modality, batch_size, device, wanted, num_workers)


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
    readout: Readout | Callable[[int], Readout] = GraphTokenReadout,
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
            :class:`~pyg_moleblend.nn.EnvironmentReadout` for kernel machines, for one.
            (default: :obj:`GraphTokenReadout`)

    Returns:
        As :func:`predict`, with a column for each number of the vector, ``e0``, ``e1``, ..., and without standard
        deviations.

    Raises:
        ValueError: If a table was read with other hydrogens than the training's, or several conformers are asked for
            and no 3D.
    """
    encoder, metadata = encoder_from_pretrained(source, components), read_metadata(source)
    config = config_of(encoder)
    readout = readout if isinstance(readout, Readout) else readout(config.channels)
    check_built_for("the readout", readout, channels=config.channels)
    readout.to(pick_device(device)).eval()
    wanted_fields = wanted_by([getattr(encoder, "wanted", encoder), readout])
    modality = check_modality(modality or metadata.get("modality", "2d+3d"))

    def compute(batch: Any) -> Tensor:
        molecules = pack_for(encoder, wanted_fields, batch, config, modality)
        return readout(readout.encode(encoder, molecules), molecules).float()

    names = [f"e{i}" for i in range(readout.out_channels)]
    recipe = Recipe.from_metadata(metadata)
    work, wanted = conformer_mean(compute, spread=False), _settings(conformers, seed, recipe)
    return _frame(
        work, names, _table(molecules, recipe, max_atoms), encoder, modality, batch_size, device, wanted, num_workers
    )


def _settings(conformers: Conformers | int, seed: int | None, recipe: Recipe | None) -> Conformers:
    if not isinstance(conformers, int):
        return conformers
    known = (None if recipe is None else recipe.conformers) or Conformers()
    return replace(known, count=conformers, seed=known.seed if seed is None else seed)


def _free(names: Iterable[str], suffix: str, taken: Set[str]) -> list[str]:
    r"""The names, with the suffix behind those that are taken."""
    free: list[str] = []
    for name in names:
        while name in taken or name in free:
            name += suffix
        free.append(name)
    return free


def _table(molecules: MoleculeTable | Sequence[str], recipe: Recipe | None, max_atoms: int | None) -> MoleculeTable:
    if isinstance(molecules, MoleculeTable):
        check_recipe(recipe, molecules)
        return molecules
    if isinstance(molecules, (str, Path)):  # a text's elements would be its letters
        raise ValueError(
            f"`molecules` must be a list of SMILES or a MoleculeTable, got {str(molecules)!r}; give [SMILES], or "
            'MoleculeTable(path, on_error="keep") for a file'
        )
    if isinstance(molecules, (pd.DataFrame, Mapping)):  # its elements would be its columns' names
        raise ValueError(
            f"`molecules` must be a list of SMILES or a MoleculeTable, got {type(molecules).__name__}; give "
            'MoleculeTable(frame, on_error="keep"), or its column of SMILES'
        )
    given = pd.DataFrame({"smiles": list(molecules)}, dtype=object)
    hydrogens = (recipe or Recipe()).hydrogens
    return MoleculeTable(given, on_error="keep", hydrogens=hydrogens, progress=False, max_atoms=max_atoms)


def _frame(
    compute: Callable[[Any], Tensor],
    names: list[str],
    molecules: MoleculeTable,
    model: nn.Module,
    modality: Modality,
    batch_size: int,
    device: str,
    conformers: Conformers,
    num_workers: int,
) -> pd.DataFrame:
    if conformers.count > 1 and "3d" not in modality:
        raise ValueError(
            f"{conformers.count} conformers are of no use to modality={modality!r}; leave them out, or pass '2d+3d'"
        )
    if num_workers < 0:
        raise ValueError(f"`num_workers` must not be negative, got {num_workers}")
    status = {row: reason for row, reason in enumerate(molecules.status) if reason != OK}
    smiles = dict(zip(molecules.row.tolist(), molecules.smiles, strict=True))
    smiles.update({failure.row: failure.input for failure in molecules.failures})
    usable = torch.arange(len(molecules))
    table: Any = molecules
    if "3d" in modality and len(molecules):
        found = add_missing_conformers(molecules, conformers=conformers, num_workers=num_workers)
        table, num_added, failures, _ = found
        if num_added:
            _log.warning(
                "%d of %d molecules had no coordinates and were given a conformer; the modality '2d' needs none",
                num_added,
                len(molecules),
            )
        if modality == "3d":
            usable = torch.tensor([i for i, row in enumerate(molecules.row.tolist()) if row not in failures])
        status.update({row: reason if modality == "3d" else f"2D only: {reason}" for row, reason in failures.items()})

    target = pick_device(device)
    values = torch.full((len(molecules), len(names)), torch.nan)
    if len(usable):
        model.to(target)
        computed = run_batches(compute, table[usable], batch_size, target)
        values = values.to(computed.dtype).index_copy(0, usable, computed)
    rows = molecules.output_rows.tolist()
    return pd.DataFrame(
        {
            "id": [molecules.ids[row] for row in rows],
            "smiles": [smiles[row] for row in rows],
            **dict(zip(names, molecules.align(values).T.numpy(), strict=True)),
            "status": [status.get(row, OK) for row in rows],
        }
    )
