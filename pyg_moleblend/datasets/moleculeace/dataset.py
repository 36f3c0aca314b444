r"""MoleculeACE, in PyG's folders, with OGB's features."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.chem import Conformers, Hydrogens
from pyg_moleblend.datasets.base import Transform, store
from pyg_moleblend.datasets.cached import Built, CachedMoleculeDataset
from pyg_moleblend.datasets.io.reading import Reading, read_molecules
from pyg_moleblend.datasets.moleculeace.sources import COLUMNS, TARGETS, VERSION, put_files
from pyg_moleblend.datasets.shards.resumable import read_resumable
from pyg_moleblend.metrics import TaskType
from pyg_moleblend.splits import Split

NANOMOLAR = 9.0
r"""The benchmark's column ``y`` is :math:`-\log_{10}` of a concentration in nM; this much more is that of one in M."""


class MoleculeACE(CachedMoleculeDataset):
    r"""A target of `MoleculeACE <https://doi.org/10.1021/acs.jcim.2c01073>`_, potencies with activity cliffs.

    ``y`` is the pKi or pEC50, :math:`-\log_{10}` of the measured concentration in M: the benchmark's own ``y`` plus 9,
    for that one is of nM. Errors are the same with either. ``cliff`` (bool ``[1]``) says whether the molecule is on an
    activity cliff: it has a neighbour that is much like it, with a potency ten or more times as high or as low.

    The raw file is ``<root>/moleculeace/raw/<target>.csv``: one that is in place is used, else that of the installed
    package ``MoleculeACE``, which is not imported, else the package's archive is downloaded, for all targets at once.

    Args:
        root: Folder of the datasets.
        target: ``"CHEMBL204_Ki"`` and so on, a key of :data:`~pyg_moleblend.datasets.moleculeace.TARGETS`.
        transform: Applied to every molecule when it is looked at.
        pre_transform: Applied once, before the molecules are stored.
        pre_filter: Says of every molecule whether it is to be stored.
        progress: Whether to say on stderr what is done.
        force_reload: Whether to process the raw file again.
        hydrogens: Which hydrogens become atoms.
        conformers: Which conformers the molecules are to have; none by default. They are kept on disk as they are
            found, so that an interrupted run goes on from there; :attr:`conformer_errors` says who has none, and why.
        num_workers: Processes that find conformers; 0 is this one, without a hard deadline.

    Raises:
        ValueError: If the target is unknown, or the raw file is not what it should be.
        RuntimeError: If the raw file is not in place and cannot be downloaded.
    """

    metric = "rmse"
    task_type: TaskType = "regression"

    def __init__(
        self,
        root: str | Path,
        target: str,
        transform: Transform | None = None,
        pre_transform: Transform | None = None,
        pre_filter: Callable[[Data], bool] | None = None,
        progress: bool = True,
        force_reload: bool = False,
        hydrogens: Hydrogens | str = Hydrogens.REMOVE,
        conformers: Conformers | None = None,
        num_workers: int = 0,
    ) -> None:
        if target not in TARGETS:
            raise ValueError(f"`target` must be one of {sorted(TARGETS)}, got {target!r}")
        self.target = target
        self.hydrogens = Hydrogens(hydrogens)
        self.conformers = conformers
        self.num_workers = num_workers
        super().__init__(root, transform, pre_transform, pre_filter, progress, force_reload)
        self.target_names = ["pKi" if target.endswith("_Ki") else "pEC50"]

    @property
    def cliff(self) -> Tensor:
        r"""Which molecules are on an activity cliff, bool ``[M]``."""
        return self._data.cliff[self._chosen()]

    @property
    def title(self) -> str:
        return f"MoleculeACE {self.target}"

    @property
    def folder(self) -> Path:
        return Path(self.root) / "moleculeace"

    @property
    def raw_file_names(self) -> list[str]:
        return [f"{self.target}.csv"]

    def parameters(self) -> dict[str, Any]:
        conformers = None if self.conformers is None else self.conformers.to_dict()
        return {"target": self.target, "hydrogens": self.hydrogens.value, "conformers": conformers}

    def download(self) -> None:
        put_files(Path(self.raw_dir), list(TARGETS), self.progress)

    def build(self) -> Built:
        table = self._read_table()
        y = torch.tensor(table["y"].to_numpy(np.float64) + NANOMOLAR).float()[:, None]  # [rows, 1]
        cliff = torch.tensor(table["cliff_mol"].to_numpy() == 1)  # [rows]
        reading = self._read_molecules(table["smiles"].tolist())
        rows = torch.from_numpy(reading.rows)
        facts = {
            "rows": len(table),
            "test": np.flatnonzero(table["split"] == "test").tolist(),
            "cliff": cliff.nonzero().flatten().tolist(),
            "conformer_errors": reading.conformer_errors,
        }
        return Built(store(reading, y=y[rows], cliff=cliff[rows]), reading.failures, facts)

    def get_split(self, valid_fraction: float = 0.1, seed: int = 0) -> Split:
        r"""The official split. The benchmark has no validation part, so one is drawn from its training part.

        Of the training molecules that are on a cliff, and of those that are not, a random share is drawn, so that
        both parts have as many cliffs; the benchmark cuts off its test part in that way, too. A molecule's part is its
        own: a selection of the dataset has the selection of each part.

        Args:
            valid_fraction: Share of the training molecules; 0 leaves the validation part empty.
            seed: Of the draw.

        Raises:
            ValueError: If the share is not at least 0 and below 1.
        """
        if not 0 <= valid_fraction < 1:
            raise ValueError(f"`valid_fraction` must be at least 0 and below 1, got {valid_fraction}")
        facts, generator = self.facts, torch.Generator().manual_seed(seed)
        part = torch.zeros(facts["rows"], dtype=torch.long)
        part[facts["test"]] = 2
        cliff = torch.zeros(facts["rows"], dtype=torch.bool)
        cliff[facts["cliff"]] = True
        for mark in (True, False):
            rows = ((part != 2) & (cliff == mark)).nonzero().flatten()
            drawn = torch.randperm(len(rows), generator=generator)[: round(len(rows) * valid_fraction)]
            part[rows[drawn]] = 1
        own = part[self.row]
        share = f"{valid_fraction:g} of train for valid, seed {seed}" if valid_fraction else "no valid"
        parts = [(own == number).nonzero().flatten() for number in range(3)]
        return Split(f"{self.title} official ({share})", *parts)

    def get_idx_split(self) -> dict[str, Tensor]:
        r"""Positions of :meth:`get_split`, under ``"train"``, ``"valid"`` and ``"test"``."""
        return self.get_split().as_dict()

    def _read_table(self) -> pd.DataFrame:
        path = self.raw_paths[0]
        remedy = "delete it, and it is downloaded again"
        try:
            table = pd.read_csv(path, dtype={"smiles": str, "split": str})
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is damaged: {error}; {remedy}") from error
        if missing := [name for name in COLUMNS if name not in table]:
            raise ValueError(f"{path} has no columns {missing}, only {list(table)[:8]}; it is not MoleculeACE's file")
        if strange := sorted({str(part) for part in table["split"]} - {"train", "test"}):
            raise ValueError(f"{path} is damaged: `split` must be 'train' or 'test', got {strange[:5]}; {remedy}")
        for name in ("y", "cliff_mol"):
            if not pd.api.types.is_numeric_dtype(table[name]) or table[name].isna().any():
                raise ValueError(f"{path} is damaged: a value of {name!r} is no number; {remedy}")
        if len(table) != TARGETS[self.target]:
            warnings.warn(
                f"{path} has {len(table)} rows, in MoleculeACE {VERSION} it has {TARGETS[self.target]}: results are "
                "not comparable with published ones",
                stacklevel=2,
            )
        return table

    def _read_molecules(self, smiles: list[str]) -> Reading:
        progress = self.title if self.progress else None
        if self.conformers is None:
            return read_molecules(smiles, self.hydrogens, progress)
        folder, source = self.folder / "conformers", {"target": self.target, "raw": self.raw_digests()}
        return read_resumable(smiles, folder, source, self.conformers, self.hydrogens, self.num_workers, progress)
