r"""What predict and embed have in common: a model, used on molecules from wherever they come."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from pyg_moleblend.checkpoints import read_metadata
from pyg_moleblend.checkpoints.model_folder import model_digests
from pyg_moleblend.cli.molecules import check_output, read_library, say_tally
from pyg_moleblend.cli.plugins import WithPlugins, plugin_digests
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.inference.loaded_model import LoadedModel, conformer_settings
from pyg_moleblend.inference.screening.library import Library
from pyg_moleblend.inference.screening.screen import DEADLINE, PART_ROWS, is_folder, screen
from pyg_moleblend.inference.screening.top import Top
from pyg_moleblend.inference.screening.work import ScreenChunk
from pyg_moleblend.runtime.worker_pool import all_cores

_log = logging.getLogger(__name__)


def screen_molecules(
    load: Callable[..., LoadedModel],
    key: Mapping[str, Any],
    model: str,
    molecules: str,
    out: str | None,
    smiles_column: str | None,
    id_column: str | None,
    modality: str | None,
    device: str,
    seed: int | None,
    conformers: int,
    num_workers: int | None,
    max_atoms: int,
    part_rows: int | None,
    engine: str,
    what: str,
    top: Top | None = None,
) -> None:
    r"""Uses a model on molecules and says how many results there are.

    Args:
        load: Loads the model for a ``device``.
        key: What the results depend on besides the model, the molecules and what follows, as JSON.
        model: The model's name.
        molecules: As for :func:`~pyg_moleblend.cli.molecules.read_library`.
        out: Where the results go; the standard output by default.
        smiles_column: Column of a table's SMILES.
        id_column: Column of a table's identifiers.
        modality: Which inputs to use; those of the training by default.
        device: Where to compute.
        seed: Seed of the conformers; that of the training molecules' by default.
        conformers: Conformers of a molecule without coordinates.
        num_workers: Processes that work.
        max_atoms: Most atoms of a molecule.
        part_rows: Rows of a file of a folder; :data:`~pyg_moleblend.inference.screening.screen.PART_ROWS` by default.
        engine: ``"local"`` or ``"ray"``.
        what: What is done, ``"predicted"`` say.
        top: Which results are kept; all by default.

    Raises:
        ValueError: If an argument is not what it should be, or no molecule has a result.
    """
    if max_atoms < 1:
        raise ValueError(f"`max_atoms` must be at least 1, got {max_atoms}")
    if part_rows is not None and not is_folder(out):
        raise ValueError(f"--part-rows is of a folder of results: name one (--out FOLDER), or leave {part_rows} out")
    part_rows = PART_ROWS if part_rows is None else part_rows
    if part_rows < 1:
        raise ValueError(f"`part_rows` must be at least 1, got {part_rows}")
    check_output(out, molecules, model)
    metadata = read_metadata(model)
    modality = modality or metadata.get("modality", "2d+3d")
    library = read_library(molecules, smiles_column, id_column, max_atoms)
    work = ScreenChunk(WithPlugins(load), device, max_atoms)
    key = {
        **key,
        "model": model_digests(model),
        "plugins": plugin_digests(),
        "modality": modality,
        "device": device,
        "seed": seed,
        "conformers": conformers,
        "max_atoms": max_atoms,
    }
    deadline = DEADLINE
    if "3d" in modality:
        _log.warning("molecules without coordinates are given conformers; the modality '2d' needs none")
        num_workers = all_cores() if num_workers is None else num_workers
        deadline = conformer_settings(conformers, seed, Recipe.from_metadata(metadata)).deadline
    elif seed is not None:
        _log.warning("the seed %s is of conformers, and has no effect with the modality '2d'", seed)
    if engine == "ray":
        from pyg_moleblend.inference.screening.screen_ray import screen_ray

        if not isinstance(library, Library) or out is None:
            raise ValueError("engine 'ray' reads .parquet files and writes to a folder (--out FOLDER)")
        say_tally(screen_ray(work, library, out, num_workers or 0, top, key, deadline, part_rows), what, out)
    else:
        say_tally(screen(work, library, out, num_workers, top, key, deadline, part_rows), what, out)
