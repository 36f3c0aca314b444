r"""Transform that attaches what RDKit computes of a 3D structure as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Batch, Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.chem import generate_conformer, parse_smiles
from pyg_moleblend.chem.shape import (
    SHAPE_DESCRIPTORS,
    USR_SIZE,
    Reference,
    shape_descriptors,
    shape_tanimoto,
    usr,
)
from pyg_moleblend.fields import declare

_HEAVIEST = 118  # OGB's next number stands for whatever else

declare("shape_descriptors", level="graph", size=len(SHAPE_DESCRIPTORS), meaning="descriptors of the 3D structure")
declare("usr", level="graph", size=USR_SIZE, meaning="ultrafast shape recognition of the 3D structure")
declare("shape_similarity", level="graph", meaning="[1, R]: shape Tanimoto to R fixed molecules")


@functional_transform("add_moleblend_shape")
class AddShape(BaseTransform):
    r"""Attaches the shape of a molecule's 3D structure as graph fields (functional name: :obj:`add_moleblend_shape`).

    The shape is that of the graph's own atoms, hydrogens among them where there are any. With
    :class:`~pyg_moleblend.nn.Similarity` of ``usr`` two molecules are to be as alike as their shapes are, as MolCLaSS
    trains (arXiv 2211.02130); with :class:`~pyg_moleblend.nn.Recover` of ``shape_similarity`` a molecule is to know how
    it fits into some others.

    Args:
        references: SMILES of R molecules to compare with, a conformer of each; 0.3 ms each. (default: :obj:`()`)
        seed: Seed of these conformers. (default: :obj:`0`)

    Shapes:
        - **input:** ``x`` in OGB's vocabulary, ``pos`` ``[N, 3]`` in Å
        - **output:** ``shape_descriptors`` ``[1, 11]`` in the order of
          :data:`~pyg_moleblend.chem.SHAPE_DESCRIPTORS`; ``usr`` ``[1, 12]``, see :func:`~pyg_moleblend.chem.usr`;
          ``shape_similarity`` ``[1, R]`` where there are references; all float32, NaN where there is no 3D structure,
          or ``has_pos`` says that it is not to be used

    Raises:
        MoleculeError: If a reference cannot be read or has no conformer.
        ValueError: If a reference has fewer than three atoms, ``x`` is missing, or it is given a batch.
    """

    def __init__(self, references: Sequence[str] = (), seed: int = 0) -> None:
        if isinstance(references, str):
            raise ValueError(f"`references` must be a list of SMILES, got {references!r}")
        self.references = tuple(references)
        self.seed = seed
        self._structures = [_structure(smiles, seed) for smiles in self.references]

    def forward(self, data: Data) -> Data:
        if isinstance(data, Batch):
            raise ValueError("AddShape takes a single molecule, got a batch; transform before batching")
        if data.x is None:
            raise ValueError("AddShape needs `x` in OGB's vocabulary, which says what the atoms are")
        numbers = data.x[:, 0].long().cpu() + 1
        atoms: NDArray[np.int64] = torch.where(numbers > _HEAVIEST, 0, numbers).numpy()
        flat = data.pos is None or not bool(data.get("has_pos", True))
        pos = torch.full((len(atoms), 3), torch.nan) if flat else data.pos.detach().cpu().float()
        found = {"shape_descriptors": shape_descriptors(atoms, pos.numpy()), "usr": usr(atoms, pos.numpy())}
        if self.references:
            found["shape_similarity"] = shape_tanimoto(atoms, pos.numpy(), self._structures)
        for name, values in found.items():
            data[name] = torch.from_numpy(values)[None].to(data.x.device)
        return data

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(references={list(self.references)}, seed={self.seed})"


def _structure(smiles: str, seed: int) -> Reference:
    mol = generate_conformer(parse_smiles(smiles), seed)
    if mol.GetNumAtoms() < 3:
        raise ValueError(f"a reference must have at least three atoms to have a shape, got {smiles!r}")
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    return Reference(numbers, mol.GetConformer().GetPositions().astype(np.float32))
