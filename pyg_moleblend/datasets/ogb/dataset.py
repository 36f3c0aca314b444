r"""The Open Graph Benchmark's molecules: its own graphs, rows, splits and metrics, without its package."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
from pyg_moleblend.datasets.moleculenet.dataset import fetch_table
from pyg_moleblend.datasets.ogb.conformers import put_conformers
from pyg_moleblend.datasets.ogb.from_moleculenet import MOLECULENET_NAMES, Rebuilt, moleculenet_source, rebuild
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
    Conformers are found for the SMILES. All arguments but the last are those of
    :class:`~pyg_moleblend.datasets.benchmark.BenchmarkDataset`, but for ``hydrogens``, which are as OGB has them.

    Args:
        source: ``"ogb"``: OGB's own files. ``"moleculenet"``: the same graphs, rows and parts made from MoleculeNet's
            table, ``<root>/hiv/raw/HIV.csv`` say, which is used or downloaded; a warning tells where the outcome was
            not compared with OGB's files. (default: :obj:`"ogb"`)

    Raises:
        ValueError: If MoleculeNet does not have the set, or the source is neither.
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
        source: Literal["ogb", "moleculenet"] = "ogb",
    ) -> None:
        if source not in ("ogb", "moleculenet"):
            raise ValueError(f"`source` must be 'ogb' or 'moleculenet', got {source!r}")
        self.source = source
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
    def entry(self) -> OGBSource:
        r"""What OGB says of the set."""
        return OGB_SOURCES[self.name]

    def parameters(self) -> dict[str, Any]:
        rebuilt = {} if self.source == "ogb" else {"source": self.source}
        return {**super().parameters(), **rebuilt}

    @property
    def metric(self) -> str:
        r"""The metric of the leaderboard."""
        return self.entry.metric

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
        if self.source == "ogb":
            return str(self.folder)
        moleculenet_source(self.name)
        return str(Path(self.root) / MOLECULENET_NAMES[self.name] / "raw")

    @property
    def raw_file_names(self) -> list[str]:
        return list(RAW_FILES) if self.source == "ogb" else [moleculenet_source(self.name).file]

    def download(self) -> None:
        if self.source == "moleculenet":
            fetch_table(moleculenet_source(self.name), self.raw_dir, self.progress)
            return
        # OGB's own package asks for the file that names the release.
        files = (*RAW_FILES, "RELEASE_v1.txt")
        names = {f"{self.entry.archive}/{name}": name for name in files}
        fetch(self.entry.url, self.folder, names, f"put OGB's files into {self.folder}", self.progress)

    def build(self) -> Built:
        found = self._read() if self.source == "ogb" else rebuild(self.raw_paths[0], self.name)
        reading, size = found.reading, len(found.reading.smiles)
        if self.conformers is not None:
            reading = put_conformers(reading, self.read_smiles(reading.smiles))
        facts = {
            "rows": size,
            "target_names": found.names,
            "conformer_errors": reading.conformer_errors,
            "parts": {name: part.tolist() for name, part in found.split.as_dict().items()},
        }
        return Built(store(reading, y=torch.from_numpy(found.labels)), [], facts)

    def _read(self) -> Rebuilt:
        r"""What OGB's files hold."""
        graphs, mapping = read_graphs(self.folder), read_mapping(self.folder)
        labels, parts = read_labels(self.folder, self.entry.num_tasks), read_split(self.folder)
        size = len(graphs.num_atoms)
        rows = np.sort(np.concatenate(parts))
        for what, found in (("labels", len(labels)), ("SMILES", len(mapping.smiles)), ("rows in its split", len(rows))):
            if found != size:
                raise ValueError(f"{self.folder} holds {size} graphs but {found} {what}; download it again")
        if (rows != np.arange(size)).any():
            raise ValueError(f"the split in {self.folder} does not name every row once; download it again")
        names = mapping.names if len(mapping.names) == self.entry.num_tasks else None
        return Rebuilt(
            Reading(graphs, mapping.smiles, np.arange(size), [], {}),
            labels,
            names or [f"task {task}" for task in range(self.entry.num_tasks)],
            Split(f"{self.name} official scaffold", *map(torch.from_numpy, parts)),
        )

    def get_idx_split(self) -> dict[str, Tensor]:
        r"""Positions of the official parts in this dataset, under ``"train"``, ``"valid"`` and ``"test"``.

        Of the whole dataset they are OGB's own tensors; of a selection, those that are in it, in OGB's order.
        """
        position = torch.full((self.facts["rows"],), -1)
        position[self.row] = torch.arange(len(self))
        parts = {name: position[rows] for name, rows in self.facts["parts"].items()}
        return {name: part[part >= 0] for name, part in parts.items()}

    def get_split(self) -> Split:
        r"""The official scaffold split."""
        return Split(f"{self.name} official scaffold", **self.get_idx_split())
