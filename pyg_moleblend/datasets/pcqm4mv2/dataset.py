r"""PCQM4Mv2: 3.7 million molecules with HOMO-LUMO gaps, the training ones with their DFT structures."""

from pathlib import Path
from typing import get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pyg_moleblend.chem.structure import CHIRALITIES, Chirality
from pyg_moleblend.datasets.base import Transform
from pyg_moleblend.datasets.pcqm4mv2.build import prepare_pcqm4mv2
from pyg_moleblend.datasets.pcqm4mv2.raw import SPLIT_FILE, Part, read_split
from pyg_moleblend.datasets.shards.build import SHARD_SIZE
from pyg_moleblend.datasets.shards.dataset import MoleculeShards
from pyg_moleblend.metrics import Evaluator, TaskType
from pyg_moleblend.metrics.ogb import save_pcqm4mv2_submission
from pyg_moleblend.splits import Split


class PCQM4Mv2(MoleculeShards):
    r"""`PCQM4Mv2 <https://arxiv.org/abs/2103.09430>`_ of OGB's large-scale challenge, read from memory-mapped shards.

    ``row`` is the official number, whatever the version of RDKit: a row that cannot be read is in :attr:`failures`, and
    shifts no other. The graph is that of ``data.csv.gz``'s SMILES, with its atoms in their order, and ``y`` the gap in
    eV (float32 ``[1, 1]``, NaN where it is hidden).

    With the SD file, the training molecules have their DFT coordinates (``pos``, Å, heavy atoms). Record and SMILES are
    paired by number, and compared by formula, bonds, charges and hydrogens; where they differ, the molecule stays 2D,
    and :attr:`conformer_errors` says why. The two may differ in stereochemistry
    (`ogb#354 <https://github.com/snap-stanford/ogb/issues/354>`_), so it has to be said whose is taken.

    Raw files are ``<root>/pcqm4m-v2/{raw/data.csv.gz, split_dict.pt}``, as OGB's package keeps them, and near them
    (in ``<root>``, ``pcqm4m-v2`` or ``raw``) ``pcqm4m-v2-train.sdf.tar.gz``, or the ``.sdf`` or ``.sdf.gz`` that
    somebody made of it; no archive is unpacked. Those in place are used, others downloaded. The shards are built
    once, by several processes if wanted, and go on from where an interrupted run was; after that the SD file may be
    deleted.

    Args:
        root: Folder of the datasets.
        split: Take only one of the official parts; all by default.
        structures: Whether to have the coordinates, for which 1.6 GB are downloaded. (default: :obj:`True`)
        chirality: ``"smiles"`` takes the stereochemistry of the SMILES, so that all parts are made alike;
            ``"structure"`` takes that of the SD file's molecules, so that graph and coordinates agree, while those
            without a structure (valid and test) keep their SMILES'; ``"none"`` leaves it out of all.
            (default: :obj:`"smiles"`)
        transform: Applied to every molecule when it is looked at. (default: :obj:`None`)
        num_workers: Processes that build the shards; 0 builds in this one. (default: :obj:`0`)
        shard_size: Rows of a shard. (default: :obj:`16384`)
        progress: Whether to show what is done. (default: :obj:`True`)

    Raises:
        ValueError: If an argument is not one of these, or a raw file is damaged.
        RuntimeError: If a raw file is not in place and cannot be downloaded.
    """

    metric = "mae"
    task_type: TaskType = "regression"

    def __init__(
        self,
        root: str | Path,
        split: Part | None = None,
        structures: bool = True,
        chirality: Chirality = "smiles",
        transform: Transform | None = None,
        num_workers: int = 0,
        shard_size: int = SHARD_SIZE,
        progress: bool = True,
    ) -> None:
        if split is not None and split not in get_args(Part):
            raise ValueError(f"`split` must be one of {get_args(Part)} or None, got {split!r}")
        if chirality not in CHIRALITIES:
            raise ValueError(f"`chirality` must be one of {CHIRALITIES}, got {chirality!r}")
        if chirality == "structure" and not structures:
            raise ValueError("chirality='structure' needs structures=True")
        self.raw_folder = Path(root).expanduser() / "pcqm4m-v2"
        folder = prepare_pcqm4mv2(self.raw_folder, structures, chirality, num_workers, shard_size, progress)
        super().__init__(folder, transform)
        if split is not None:
            self._indices = _as_range(self.get_idx_split()[split].numpy())

    @property
    def target_units(self) -> list[str]:
        r"""Units of the columns of ``y``."""
        return ["eV"]

    @property
    def evaluator(self) -> Evaluator:
        r"""Scores as OGB's ``PCQM4Mv2Evaluator`` does."""
        return Evaluator(self.metric)

    @property
    def row(self) -> Tensor:
        r"""Official number of each molecule, int64 ``[M]``."""
        # All rows but the failures, in their order: no shard has to be read for it.
        there = np.ones(self.manifest.rows, dtype=bool)
        there[[failure.row for failure in self.failures]] = False
        rows = np.flatnonzero(there)
        return torch.from_numpy(rows if self._indices is None else rows[np.asarray(self._indices)])

    def get_idx_split(self) -> dict[str, Tensor]:
        r"""Positions of the official parts in this dataset, by :data:`Part`.

        Of the whole dataset, where every row could be read, they are OGB's own.
        """
        row = self.row.numpy()
        position = np.full(self.manifest.rows, -1)
        position[row] = np.arange(len(row))
        official = read_split(self.raw_folder / SPLIT_FILE)
        return {part: torch.from_numpy((found := position[rows])[found >= 0]) for part, rows in official.items()}

    def get_split(self) -> Split:
        r"""The official training and validation parts, and as test ``"test-dev"``, whose labels are hidden."""
        parts = self.get_idx_split()
        return Split("PCQM4Mv2 official (test-dev)", parts["train"], parts["valid"], parts["test-dev"])

    def save_test_submission(
        self, folder: str | Path, part: Part, row: ArrayLike, y_pred: ArrayLike, fallback: float | None = None
    ) -> Path:
        r"""Writes the leaderboard's file, see :func:`~pyg_moleblend.metrics.ogb.save_pcqm4mv2_submission`."""
        wanted = read_split(self.raw_folder / SPLIT_FILE)[part]
        return save_pcqm4mv2_submission(folder, part, wanted=wanted, row=row, y_pred=y_pred, fallback=fallback)

    def _damaged(self, path: Path) -> str:
        return f"{path} is damaged or missing; delete it, and it is made again when the dataset is opened"


def _as_range(positions: NDArray[np.int64]) -> range | NDArray[np.int64]:
    r"""Positions without a gap take no memory."""
    whole = len(positions) and (np.diff(positions) == 1).all()
    return range(int(positions[0]), int(positions[-1]) + 1) if whole else positions
