r"""What a process does with a portion of a library."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from functools import cached_property

import pandas as pd
import torch

from pyg_moleblend.datasets.io.entries import Entry
from pyg_moleblend.inference.loaded_model import MAX_ATOMS, LoadedModel
from pyg_moleblend.runtime.worker_pool import Started, all_cores

LoadModel = Callable[..., LoadedModel]
r"""Loads a model for a ``device``; it can be pickled, as ``functools.partial(load_predictor, "runs/a/model")`` can."""


class ScreenChunk:
    r"""The results for a chunk of rows, as :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` calls it.

    The model is loaded once, when it is first needed. A worker process computes with one thread, so that as many of
    them as there are cores do not get in each other's way; several share the GPUs out.

    Args:
        load: Loads the model.
        device: Where it computes; ``"auto"`` is the GPUs where there are some.
        max_atoms: Most atoms of a molecule; a larger one has no result, and its status says so.
    """

    def __init__(self, load: LoadModel, device: str = "auto", max_atoms: int | None = MAX_ATOMS) -> None:
        self.load = load
        self.device = device
        self.max_atoms = max_atoms

    def __call__(self, chunk: Sequence[Entry], kills: Sequence[int], started: Started) -> pd.DataFrame:
        reading = self.model.reader(self.max_atoms)(chunk, kills, started)
        return self.model.of_reading(reading, [""] * len(chunk))

    @cached_property
    def model(self) -> LoadedModel:
        r"""The model."""
        device = self.device
        if multiprocessing.parent_process() is not None:
            torch.set_num_threads(1)
            if gpus := self._gpus():
                number = sum(multiprocessing.current_process()._identity)  # they are counted as they start
                device = f"cuda:{number % gpus}"
        return self.load(device=device)

    @property
    def default_workers(self) -> int:
        r"""How many processes are to work: one for each GPU that they share, or for each core; one on any other
        device."""
        if self.device in ("auto", "cuda", "cpu"):
            return self._gpus() or all_cores()
        return 1

    def _gpus(self) -> int:
        return torch.cuda.device_count() if self.device in ("auto", "cuda") else 0
