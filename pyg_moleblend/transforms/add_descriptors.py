r"""Transform that attaches RDKit's descriptors and fingerprints."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.chem import parse_smiles
from pyg_moleblend.chem.descriptors import (
    FINGERPRINTS,
    check_fingerprints,
    descriptor_matrix,
    fingerprint_matrix,
)
from pyg_moleblend.fields import declare

DESCRIPTORS = "descriptors"
BITS = "{}_bits"

declare(DESCRIPTORS, level="graph", dtype="float32", meaning="[1, D]: RDKit's 2D descriptors")
for _kind in FINGERPRINTS:
    declare(BITS.format(_kind), level="graph", dtype="uint8", sentinel="", meaning="[1, bits / 8]: packed fingerprint")


@functional_transform("add_moleblend_descriptors")
class AddDescriptors(BaseTransform):
    r"""Attaches RDKit's descriptors and fingerprints of ``smiles`` as graph fields
    (functional name: :obj:`add_moleblend_descriptors`).

    They are ``descriptors`` ``[1, D]`` float32, NaN where RDKit has no number, and for each fingerprint ``KIND_bits``
    ``[1, ceil(size / 8)]`` uint8, as :class:`~pyg_moleblend.nn.Recover` takes them.

    Args:
        descriptors: Whether to attach the descriptors, which take 8 ms a molecule. (default: :obj:`True`)
        fingerprints: Which fingerprints to attach, of ``"morgan"``, ``"atom_pair"``, ``"torsion"`` and ``"path"``.
            (default: :obj:`("morgan", "atom_pair")`)
        size: Number of bits of each. (default: :obj:`1024`)
        radius: Of Morgan environments. (default: :obj:`2`)
    """

    def __init__(
        self,
        descriptors: bool = True,
        fingerprints: Sequence[str] = ("morgan", "atom_pair"),
        size: int = 1024,
        radius: int = 2,
    ) -> None:
        if size < 1:
            raise ValueError(f"`size` must be a positive number of bits, got {size}")
        self.descriptors = descriptors
        self.fingerprints = check_fingerprints(fingerprints)
        self.size = size
        self.radius = radius

    def forward(self, data: Data) -> Data:
        if not isinstance(data.get("smiles"), str):
            raise ValueError(
                "AddDescriptors reads `smiles` of a single molecule, and data has none; build it with "
                "pyg_moleblend.chem.from_smiles, and transform before batching"
            )
        mol = parse_smiles(data.smiles)
        if self.descriptors:
            data[DESCRIPTORS] = torch.from_numpy(descriptor_matrix([mol]))
        for kind in self.fingerprints:
            data[BITS.format(kind)] = torch.from_numpy(fingerprint_matrix([mol], kind, self.size, self.radius))
        return data

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(descriptors={self.descriptors}, fingerprints={self.fingerprints}, "
            f"size={self.size}, radius={self.radius})"
        )
