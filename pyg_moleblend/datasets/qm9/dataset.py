r"""QM9: small organic molecules with their DFT geometries and properties."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data
from tqdm import tqdm

from pyg_moleblend.datasets.base import Transform, store
from pyg_moleblend.datasets.cached import Built, CachedMoleculeDataset
from pyg_moleblend.datasets.io.raw import fetch
from pyg_moleblend.datasets.io.reading import CHUNK_SIZE, Reading, concatenate, read_chunk
from pyg_moleblend.datasets.qm9.geometry import attach_geometries
from pyg_moleblend.datasets.qm9.sources import RAW_FILES, QM9Files, package_files, read_package, read_raw
from pyg_moleblend.datasets.qm9.targets import ELEMENTS, TARGETS, atom_reference, factors, target_named
from pyg_moleblend.metrics import TaskType
from pyg_moleblend.runtime.worker_pool import in_chunks
from pyg_moleblend.splits import Split

NUM_MOLECULES: int = 130_831
r"""Molecules of QM9 without the 3,054 whose geometry is not that of the molecule meant."""

SPLIT_SIZES: tuple[int, int] = (110_000, 10_000)
r"""Molecules for training and for validation; the other 10,831 are the test set."""

SPLIT_SEED: int = 0
SUBSET_SEED: int = 1  # Another one: a subset must not be the first part of the split.

_URLS = (
    "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/molnet_publish/qm9.zip",
    "https://ndownloader.figshare.com/files/3195404",
)


class QM9(CachedMoleculeDataset):
    r"""QM9, `134 kilo molecules <https://doi.org/10.1038/sdata.2014.22>`_ less those it marks as doubtful.

    Graphs are of heavy atoms with OGB's features and without stereo, as QM9's SMILES; ``pos`` holds the DFT
    coordinates of these atoms in Å; ``y`` the 12 targets :attr:`target_names` in :attr:`target_units` (see
    :data:`~pyg_moleblend.datasets.qm9.targets.TARGETS`); ``atom_counts`` (int64 ``[1, 5]``) the number of
    H, C, N, O and F atoms, hydrogens included. ``row`` counts the molecules in the order of their numbers in
    QM9, and is the same whichever source they are read from. (The sources write 131 ions in another resonance form
    and six molecules in another order of atoms.)

    Args:
        root: Folder of the dataset.
        source: ``"pyg"`` reads ``raw/gdb9.sdf``, ``gdb9.sdf.csv`` and ``uncharacterized.txt``, which are
            downloaded from where PyG downloads them unless they are in place; ``"qm9pack"`` reads the files
            of that installed package; ``"auto"`` is the raw files if they are in place, else the package if
            it is installed, else the download. (default: :obj:`"auto"`)
        max_molecules: Take a random subset of so many molecules, always the same. (default: :obj:`None`)
        transform: Applied to every molecule when it is looked at. (default: :obj:`None`)
        pre_transform: Applied once, before the molecules are stored. (default: :obj:`None`)
        pre_filter: Says of every molecule whether it is to be stored. (default: :obj:`None`)
        progress: Whether to say on stderr what is done. (default: :obj:`True`)
        force_reload: Whether to process the raw files again. (default: :obj:`False`)

    Raises:
        ValueError: If an argument is not one of these, or the raw files contradict each other.
        RuntimeError: If there is no source and the download fails.
    """

    metric = "mae"
    task_type: TaskType = "regression"

    def __init__(
        self,
        root: str | Path,
        source: Literal["auto", "pyg", "qm9pack"] = "auto",
        max_molecules: int | None = None,
        transform: Transform | None = None,
        pre_transform: Transform | None = None,
        pre_filter: Callable[[Data], bool] | None = None,
        progress: bool = True,
        force_reload: bool = False,
    ) -> None:
        if source not in ("auto", "pyg", "qm9pack"):
            raise ValueError(f"`source` must be 'auto', 'pyg' or 'qm9pack', got {source!r}")
        if max_molecules is not None and max_molecules < 1:
            raise ValueError(f"`max_molecules` must be at least 1, got {max_molecules}")
        in_place = all((Path(root).expanduser() / "raw" / name).is_file() for name in RAW_FILES)
        self._package = None if source == "pyg" or (source == "auto" and in_place) else package_files()
        if source == "qm9pack" and self._package is None:
            raise ValueError("source='qm9pack' needs that package: pip install 'pyg-moleblend[qm9]'")
        self.source = "pyg" if self._package is None else "qm9pack"
        self.max_molecules = max_molecules
        self.target_names = [target.name for target in TARGETS]
        self.is_relative = False
        super().__init__(root, transform, pre_transform, pre_filter, progress, force_reload)

    @property
    def target_units(self) -> list[str]:
        r"""Units of the columns of ``y``."""
        targets = [target_named(name) for name in self.target_names]
        return [t.unit + (" relative to free atoms" if self.is_relative and any(t.atoms) else "") for t in targets]

    @property
    def atom_reference(self) -> Tensor:
        r"""Energies of the free atoms in the targets' units, float64 ``[T, 5]``; zero for what has none."""
        return atom_reference([target_named(name) for name in self.target_names])

    @property
    def raw_file_names(self) -> list[str]:
        # The package's files are read where they are.
        return list(RAW_FILES) if self._package is None else [str(path) for path in self._package]

    def parameters(self) -> dict[str, Any]:
        return {"source": self.source, "max_molecules": self.max_molecules}

    def download(self) -> None:
        remedy = f"put {RAW_FILES} into {self.raw_dir}, or pip install 'pyg-moleblend[qm9]'"
        fetch(_URLS[0], self.raw_dir, {name: name for name in RAW_FILES[:2]}, remedy, self.progress)
        fetch(_URLS[1], self.raw_dir, {Path(_URLS[1]).name: RAW_FILES[2]}, remedy, self.progress)

    def build(self) -> Built:
        self.say(f"reading from {Path(self.raw_paths[0]).parent} (source {self.source!r})")
        files = read_raw(self.raw_dir) if self._package is None else read_package(self._package)
        rows = _subset(len(files.number), self.max_molecules)
        reading, atom_counts = _read(files, rows, self.title if self.progress else None)
        stored = store(reading, y=torch.from_numpy(files.values[reading.rows]) * factors(), atom_counts=atom_counts)
        return Built(stored, reading.failures, {"rows": len(files.number)})

    def subtract_atom_reference(self) -> "QM9":
        r"""The same molecules with U0, U, H and G relative to the free atoms, as the field trains on them.

        :attr:`target_units` says so, and with it every model that is trained on them. The hydrogens' share is
        subtracted too. It is done in float64: a total energy in eV has no room for meV in float32. Add
        ``atom_counts @ atom_reference.T`` to a prediction to have the total again.

        Raises:
            ValueError: If it was done already.
        """
        if self.is_relative:
            raise ValueError("the energies are relative to the free atoms already")
        dataset = self.with_y(self._data.y - self._data.atom_counts.double() @ self.atom_reference.T)
        dataset.is_relative = True
        return dataset

    def get_split(self) -> Split:
        r"""A random split of all of QM9 into 110,000, 10,000 and 10,831, with seed :data:`SPLIT_SEED`.

        Each molecule's part is its own: a subset has the subset of each part, whatever the source.

        Raises:
            ValueError: If the raw files do not hold all of QM9.
        """
        if self.facts["rows"] != NUM_MOLECULES:
            raise ValueError(
                f"the split is of QM9's {NUM_MOLECULES} molecules, the raw files hold {self.facts['rows']}; "
                "use pyg_moleblend.splits.random_split"
            )
        order = torch.randperm(NUM_MOLECULES, generator=torch.Generator().manual_seed(SPLIT_SEED))
        part = torch.full((NUM_MOLECULES,), 2)
        part[order[: sum(SPLIT_SIZES)]] = 1
        part[order[: SPLIT_SIZES[0]]] = 0
        parts = ((part[self.row] == i).nonzero().flatten() for i in range(3))
        return Split(f"QM9 random 110000/10000/10831 seed {SPLIT_SEED}", *parts)

    def get_idx_split(self) -> dict[str, Tensor]:
        r"""Positions of :meth:`get_split`, under ``"train"``, ``"valid"`` and ``"test"``."""
        return self.get_split().as_dict()


def _read(files: QM9Files, rows: NDArray[np.int64], progress: str | None) -> tuple[Reading, Tensor]:
    r"""The molecules of some rows with their geometries, and their numbers of H, C, N, O and F ``[M, 5]``."""
    start = 0
    readings: list[Reading] = []
    atom_counts: list[NDArray[np.int64]] = []
    with tqdm(total=len(rows), desc=progress, disable=progress is None, unit="mol") as bar:
        for chunk in in_chunks(files.records(rows), CHUNK_SIZE):
            geometries = [record.geometry for record in chunk]
            reading = attach_geometries(read_chunk([record.entry for record in chunk]), geometries)
            for row in reading.rows.tolist():
                atom_counts.append((geometries[row].z[:, None] == ELEMENTS).sum(0))
            readings.append(reading.renumber(rows[start : start + len(chunk)]))
            start += len(chunk)
            bar.update(len(chunk))
    return concatenate(readings), torch.from_numpy(np.array(atom_counts).reshape(-1, len(ELEMENTS)))


def _subset(size: int, wanted: int | None) -> NDArray[np.int64]:
    if wanted is None or wanted >= size:
        return np.arange(size)
    order = torch.randperm(size, generator=torch.Generator().manual_seed(SUBSET_SEED))
    return np.asarray(order[:wanted].sort().values)
