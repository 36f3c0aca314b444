r"""A named set of a published benchmark, whose molecules are found, or given conformers, by their SMILES."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch_geometric.data import Data

from pyg_moleblend.chem import Conformers, Hydrogens
from pyg_moleblend.datasets.base import Transform
from pyg_moleblend.datasets.cached import CachedMoleculeDataset
from pyg_moleblend.datasets.io.raw_state import digests
from pyg_moleblend.datasets.io.reading import Reading, read_molecules
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.datasets.shards.resumable import read_resumable
from pyg_moleblend.metrics import METRICS, TaskType


class BenchmarkDataset(CachedMoleculeDataset):
    r"""One of the sets of a benchmark.

    A subclass gives :attr:`names`, :attr:`metric`, and what a
    :class:`~pyg_moleblend.datasets.cached.CachedMoleculeDataset` needs; :meth:`build` puts ``target_names`` and the
    ``conformer_errors`` of its reading into the facts.

    Args:
        root: Folder of the datasets.
        name: One of :attr:`names`; upper and lower case are alike.
        transform: Applied to every molecule when it is looked at.
        pre_transform: Applied once, before the molecules are stored.
        pre_filter: Says of every molecule whether it is to be stored.
        progress: Whether to say on stderr what is done.
        force_reload: Whether to process the raw files again.
        hydrogens: Which hydrogens become atoms.
        conformers: Which conformers the molecules are to have; none by default. They are kept on disk as they are
            found, so that an interrupted run goes on from there; :attr:`conformer_errors` says who has none, and why.
        num_workers: Processes that find conformers; 0 is this one, without a hard deadline.

    Raises:
        ValueError: If the name is unknown, or a raw file is not what it should be.
        RuntimeError: If the raw files are not in place and cannot be downloaded.
    """

    names: ClassVar[Collection[str]]
    r"""The benchmark's sets."""

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
        known = {each.lower(): each for each in self.names}
        if name.lower() not in known:
            raise ValueError(f"`name` must be one of {sorted(self.names)}, got {name!r}")
        self.name = known[name.lower()]
        self.hydrogens = Hydrogens(hydrogens)
        self.conformers = conformers
        self.recipe = Recipe(self.hydrogens, conformers)
        self.num_workers = num_workers
        super().__init__(root, transform, pre_transform, pre_filter, progress, force_reload)
        self.target_names = self.facts["target_names"]

    @property
    @abstractmethod
    def metric(self) -> str:
        r"""The metric that the set is reported in, for :class:`~pyg_moleblend.metrics.Evaluator`."""

    @property
    def task_type(self) -> TaskType:
        r"""``"classification"`` or ``"regression"``."""
        return METRICS[self.metric].task_type

    def parameters(self) -> dict[str, Any]:
        conformers = None if self.conformers is None else self.conformers.to_dict()
        return {"name": self.name, "hydrogens": self.hydrogens.value, "conformers": conformers}

    def read_smiles(self, smiles: Sequence[str]) -> Reading:
        r"""The molecules of the raw file's SMILES, one a row, with the conformers that are wanted."""
        progress = self.title if self.progress else None
        if self.conformers is None:
            return read_molecules(smiles, self.hydrogens, progress)
        source = {"name": self.name, "raw": digests(self.raw_paths)}
        folder = self.folder / "conformers"
        return read_resumable(smiles, folder, source, self.conformers, self.hydrogens, self.num_workers, progress)
