r"""Transform that attaches RDKit's descriptors and fingerprints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.chem.descriptors import (
    FINGERPRINTS,
    check_descriptors,
    check_fingerprints,
    descriptor_matrix,
    descriptor_names,
    fingerprint_counts,
    fingerprint_matrix,
)
from pyg_moleblend.fields import declare

DESCRIPTORS = "descriptors"
BITS, COUNTS = "{}_bits", "{}_counts"

MAX_COUNT = 255
r"""Larger counts are cut to it: a count is one byte."""

_BY = "fingerprint, by AddDescriptors"
declare(DESCRIPTORS, level="graph", dtype="float32", meaning="[1, D]: RDKit's 2D descriptors, by AddDescriptors")
for _kind in FINGERPRINTS:
    declare(BITS.format(_kind), level="graph", dtype="uint8", sentinel="", meaning=f"[1, bits / 8]: packed {_BY}")
    declare(COUNTS.format(_kind), level="graph", dtype="uint8", sentinel="", meaning=f"[1, size]: counted {_BY}")


@functional_transform("add_moleblend_descriptors")
class AddDescriptors(BaseTransform):
    r"""Attaches RDKit's descriptors and fingerprints of ``smiles`` as graph fields
    (functional name: :obj:`add_moleblend_descriptors`).

    They are ``descriptors`` ``[1, D]`` float32, NaN where RDKit has no number; for each fingerprint ``KIND_bits``
    ``[1, ceil(size / 8)]`` uint8, and for each that is counted ``KIND_counts`` ``[1, size]`` uint8: as
    :class:`~pyg_moleblend.nn.Recover` takes them. For a whole dataset, :meth:`columns` computes them in several
    processes. What follows from the 3D structure is attached by :class:`~pyg_moleblend.transforms.AddShape`.

    Args:
        descriptors: Whether to attach the descriptors, which take 8 ms a molecule, or names of some. The attribute
            ``names`` holds those of the columns. (default: :obj:`True`)
        fingerprints: Which fingerprints to attach, of ``"morgan"``, ``"atom_pair"``, ``"torsion"`` and ``"path"``.
            (default: :obj:`("morgan", "atom_pair")`)
        size: Number of bits, or of counts, of each. (default: :obj:`1024`)
        radius: Of Morgan environments. (default: :obj:`2`)
        counts: Which fingerprints to attach as counts, of at most 255. (default: :obj:`()`)

    Raises:
        ValueError: If a fingerprint or a descriptor is unknown, or the size is not positive.
    """

    def __init__(
        self,
        descriptors: bool | Sequence[str] = True,
        fingerprints: Sequence[str] = ("morgan", "atom_pair"),
        size: int = 1024,
        radius: int = 2,
        counts: Sequence[str] = (),
    ) -> None:
        if size < 1:
            raise ValueError(f"`size` must be a positive number of bits, got {size}")
        self.descriptors = descriptors if isinstance(descriptors, bool) else check_descriptors(descriptors)
        self.fingerprints = check_fingerprints(fingerprints)
        self.size = size
        self.radius = radius
        self.counts = check_fingerprints(counts)

    @property
    def names(self) -> tuple[str, ...]:
        r"""Names of the columns of ``descriptors``."""
        if isinstance(self.descriptors, bool):
            return tuple(descriptor_names()) if self.descriptors else ()
        return self.descriptors

    def forward(self, data: Data) -> Data:
        if not isinstance(data.get("smiles"), str):
            raise ValueError(
                "AddDescriptors reads `smiles` of a single molecule, and data has none; build it with "
                "pyg_moleblend.chem.from_smiles, and transform before batching"
            )
        for name, values in self.columns([data.smiles]).items():
            data[name] = values if data.x is None else values.to(data.x.device)
        return data

    def columns(
        self, smiles: Sequence[str], num_workers: int = 0, deadline: float = 60.0, progress: str | None = None
    ) -> dict[str, Tensor]:
        r"""The fields of many molecules, each of M rows.

        Args:
            smiles: M SMILES.
            num_workers: Worker processes for the descriptors; 0 works in this one, without a deadline.
            deadline: Seconds that a molecule may take; then its descriptors are NaN.
            progress: Label of a progress bar; none by default.

        Raises:
            MoleculeError: If a SMILES cannot be read.
        """
        found: dict[str, Tensor] = {}
        if self.names:
            matrix = descriptor_matrix(smiles, self.names, num_workers, deadline, progress)
            found[DESCRIPTORS] = torch.from_numpy(matrix)
        for kind in self.fingerprints:
            found[BITS.format(kind)] = torch.from_numpy(fingerprint_matrix(smiles, kind, self.size, self.radius))
        for kind in self.counts:
            counts = fingerprint_counts(smiles, kind, self.size, self.radius).clip(max=MAX_COUNT).astype(np.uint8)
            found[COUNTS.format(kind)] = torch.from_numpy(counts)
        return found

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(descriptors={self.descriptors}, fingerprints={self.fingerprints}, "
            f"size={self.size}, radius={self.radius}, counts={self.counts})"
        )
