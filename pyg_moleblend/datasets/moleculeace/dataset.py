r"""MoleculeACE, in PyG's folders, with OGB's features."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pyg_moleblend.datasets.base import store
from pyg_moleblend.datasets.benchmark import BenchmarkDataset
from pyg_moleblend.datasets.cached import Built
from pyg_moleblend.datasets.io.raw import read_csv
from pyg_moleblend.datasets.moleculeace.sources import COLUMNS, TARGETS, VERSION, put_files
from pyg_moleblend.splits import Split

NANOMOLAR = 9.0
r"""The benchmark's column ``y`` is :math:`-\log_{10}` of a concentration in nM; this much more is that of one in M."""


class MoleculeACE(BenchmarkDataset):
    r"""A target of `MoleculeACE <https://doi.org/10.1021/acs.jcim.2c01073>`_, potencies with activity cliffs.

    ``y`` is the pKi or pEC50, :math:`-\log_{10}` of the measured concentration in M: the benchmark's own ``y`` plus 9,
    for that one is of nM. Errors are the same with either. ``cliff`` (bool ``[1]``) says whether the molecule is on an
    activity cliff: it has a neighbour that is much like it, with a potency ten or more times as high or as low.

    The raw file is ``<root>/moleculeace/raw/<name>.csv``: one that is in place is used, else that of the installed
    package ``MoleculeACE``, which is not imported, else the package's archive is downloaded, for all targets at once.

    The arguments are those of :class:`~pyg_moleblend.datasets.benchmark.BenchmarkDataset`; the names are
    ``"CHEMBL204_Ki"`` and so on, the keys of :data:`~pyg_moleblend.datasets.moleculeace.TARGETS`.
    """

    names = TARGETS
    metric = "rmse"

    @property
    def cliff(self) -> Tensor:
        r"""Which molecules are on an activity cliff, bool ``[M]``."""
        return self._data.cliff[self._chosen()]

    @property
    def title(self) -> str:
        return f"MoleculeACE {self.name}"

    @property
    def folder(self) -> Path:
        return Path(self.root) / "moleculeace"

    @property
    def raw_file_names(self) -> list[str]:
        return [f"{self.name}.csv"]

    def download(self) -> None:
        put_files(Path(self.raw_dir), list(TARGETS), self.progress)

    def build(self) -> Built:
        table = self._read_table()
        y = torch.tensor(table["y"].to_numpy(np.float64) + NANOMOLAR).float()[:, None]  # [rows, 1]
        cliff = torch.tensor(table["cliff_mol"].to_numpy() == 1)  # [rows]
        reading = self.read_smiles(table["smiles"].tolist())
        rows = torch.from_numpy(reading.rows)
        facts = {
            "rows": len(table),
            "target_names": ["pKi" if self.name.endswith("_Ki") else "pEC50"],
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
        table = read_csv(path, "MoleculeACE's", COLUMNS, ["smiles", "split"])
        remedy = "delete it, and it is downloaded again"
        if strange := sorted({str(part) for part in table["split"]} - {"train", "test"}):
            raise ValueError(f"{path} is damaged: `split` must be 'train' or 'test', got {strange[:5]}; {remedy}")
        for name in ("y", "cliff_mol"):
            if not pd.api.types.is_numeric_dtype(table[name]) or table[name].isna().any():
                raise ValueError(f"{path} is damaged: a value of {name!r} is no number; {remedy}")
        if len(table) != TARGETS[self.name]:
            warnings.warn(
                f"{path} has {len(table)} rows, in MoleculeACE {VERSION} it has {TARGETS[self.name]}: results are "
                "not comparable with published ones",
                stacklevel=2,
            )
        return table
