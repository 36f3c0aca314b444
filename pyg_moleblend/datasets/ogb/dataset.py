r"""The Open Graph Benchmark's molecules: its own graphs, rows, splits and metrics, without its package."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.chem import Conformers, Hydrogens
from pyg_moleblend.datasets.base import Transform, store
from pyg_moleblend.datasets.benchmark import BenchmarkDataset
from pyg_moleblend.datasets.cached import Built
from pyg_moleblend.datasets.io.raw import fetch
from pyg_moleblend.datasets.io.reading import Reading
from pyg_moleblend.datasets.ogb.conformers import put_conformers
from pyg_moleblend.datasets.ogb.raw import RAW_FILES, read_graphs, read_labels, read_mapping, read_split
from pyg_moleblend.metrics import Evaluator
from pyg_moleblend.splits import Split

_URL = "http://snap.stanford.edu/ogb/data/graphproppred/csv_mol_download/{}.zip"


class OGBSource(NamedTuple):
    r"""One of the sets.

    Attributes:
        archive: Name of its archive, and of the folder in it.
        num_tasks: Number of its targets.
        metric: The metric of its leaderboard.
    """

    archive: str
    num_tasks: int
    metric: str

    @property
    def url(self) -> str:
        r"""Where the archive is."""
        return _URL.format(self.archive)


OGB_SOURCES: dict[str, OGBSource] = {
    "ogbg-molbace": OGBSource("bace", 1, "rocauc"),
    "ogbg-molbbbp": OGBSource("bbbp", 1, "rocauc"),
    "ogbg-molchembl": OGBSource("chembl", 1310, "rocauc"),
    "ogbg-molclintox": OGBSource("clintox", 2, "rocauc"),
    "ogbg-molesol": OGBSource("esol", 1, "rmse"),
    "ogbg-molfreesolv": OGBSource("freesolv", 1, "rmse"),
    "ogbg-molhiv": OGBSource("hiv", 1, "rocauc"),
    "ogbg-mollipo": OGBSource("lipophilicity", 1, "rmse"),
    "ogbg-molmuv": OGBSource("muv", 17, "ap"),
    "ogbg-molpcba": OGBSource("pcba", 128, "ap"),
    "ogbg-molsider": OGBSource("sider", 27, "rocauc"),
    "ogbg-moltox21": OGBSource("tox21", 12, "rocauc"),
    "ogbg-moltoxcast": OGBSource("toxcast", 617, "rocauc"),
}
r"""The sets of OGB 1.3.6 by their names (its ``master.csv``); each is split by scaffold."""


class OGBGraphProperty(BenchmarkDataset):
    r"""A molecular set of the `Open Graph Benchmark <https://arxiv.org/abs/2005.00687>`_, ``ogbg-mol*``.

    The graphs are those that OGB publishes, not made from SMILES: every row of the benchmark is there,
    whatever the version of RDKit, and ``data.row`` is OGB's own number. ``smiles`` are those of its mapping.

    The raw files are ``<root>/ogbg_mol…/{raw,mapping,split}``, as OGB's package keeps them: those in place
    are used, else they are downloaded from OGB.

    The names are ``"ogbg-molhiv"`` and so on, the keys of :data:`~pyg_moleblend.datasets.ogb.dataset.OGB_SOURCES`.
    Conformers are found for the SMILES. All arguments are those of
    :class:`~pyg_moleblend.datasets.benchmark.BenchmarkDataset`, but for ``hydrogens``, which are as OGB has them.
    """

    names = OGB_SOURCES

    def __init__(
        self,
        root: str | Path,
        name: str,
        transform: Transform | None = None,
        pre_transform: Transform | None = None,
        pre_filter: Callable[[Data], bool] | None = None,
        progress: bool = True,
        force_reload: bool = False,
        conformers: Conformers | None = None,
        num_workers: int = 0,
    ) -> None:
        super().__init__(
            root,
            name,
            transform,
            pre_transform,
            pre_filter,
            progress,
            force_reload,
            Hydrogens.REMOVE,
            conformers,
            num_workers,
        )

    @property
    def source(self) -> OGBSource:
        r"""Where the set comes from."""
        return OGB_SOURCES[self.name]

    @property
    def metric(self) -> str:
        r"""The metric of the leaderboard."""
        return self.source.metric

    @property
    def evaluator(self) -> Evaluator:
        r"""Scores as OGB's own evaluator does, digit for digit, and says how many tasks were scored."""
        return Evaluator(self.metric)

    @property
    def title(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        return Path(self.root) / self.name.replace("-", "_")

    @property
    def raw_dir(self) -> str:
        return str(self.folder)

    @property
    def raw_file_names(self) -> list[str]:
        return list(RAW_FILES)

    def download(self) -> None:
        # OGB's own package asks for the file that names the release.
        files = (*RAW_FILES, "RELEASE_v1.txt")
        names = {f"{self.source.archive}/{name}": name for name in files}
        fetch(self.source.url, self.folder, names, f"put OGB's files into {self.folder}", self.progress)

    def build(self) -> Built:
        graphs, mapping = read_graphs(self.folder), read_mapping(self.folder)
        labels = read_labels(self.folder, self.source.num_tasks)
        size = len(graphs.num_atoms)
        rows = np.sort(np.concatenate(read_split(self.folder)))
        for what, found in (("labels", len(labels)), ("SMILES", len(mapping.smiles)), ("rows in its split", len(rows))):
            if found != size:
                raise ValueError(f"{self.folder} holds {size} graphs but {found} {what}; download it again")
        if (rows != np.arange(size)).any():
            raise ValueError(f"the split in {self.folder} does not name every row once; download it again")
        reading = Reading(graphs, mapping.smiles, np.arange(size), [], {})
        if self.conformers is not None:
            reading = put_conformers(reading, self.read_smiles(reading.smiles))
        names = mapping.names if len(mapping.names) == self.source.num_tasks else None
        facts = {
            "rows": size,
            "target_names": names or [f"task {task}" for task in range(self.source.num_tasks)],
            "conformer_errors": reading.conformer_errors,
        }
        return Built(store(reading, y=torch.from_numpy(labels)), [], facts)

    def get_idx_split(self) -> dict[str, Tensor]:
        r"""Positions of the official parts in this dataset, under ``"train"``, ``"valid"`` and ``"test"``.

        Of the whole dataset they are OGB's own tensors; of a selection, those that are in it, in OGB's order.
        """
        position = torch.full((self.facts["rows"],), -1)
        position[self.row] = torch.arange(len(self))
        parts = (position[torch.from_numpy(rows)] for rows in read_split(self.folder))
        return {name: part[part >= 0] for name, part in zip(("train", "valid", "test"), parts, strict=True)}

    def get_split(self) -> Split:
        r"""The official scaffold split."""
        return Split(f"{self.name} official scaffold", **self.get_idx_split())
