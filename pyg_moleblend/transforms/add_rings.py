r"""Transform that says which atoms are in a ring together."""

from __future__ import annotations

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform

from pyg_moleblend.fields import FIELDS, declare
from pyg_moleblend.transforms.pair_field import AddPairField

_LARGEST = 254
_NONE = 255


@functional_transform("add_moleblend_rings")
class AddRings(AddPairField):
    r"""Attaches the size of the smallest ring that two atoms have in common to a molecule, or to each of a batch
    (functional name: :obj:`add_moleblend_rings`).

    The rings are those of the smallest set of smallest rings, with further ones of the same size where the set is not
    unique, as RDKit's ``GetSymmSSSR`` has them. They depend on which atoms are bonded, and on nothing else: RDKit is
    given a skeleton of equal atoms and bonds. So a dative bond closes rings here, which by default RDKit does not
    count.

    Shapes:
        - **input:** ``edge_index`` ``[2, E]``
        - **output:** ``ring_size`` ``[N * N]`` uint8, row-major: 0 where two atoms share no ring, 254 for 254 atoms and
          more; the smallest ring of an atom on the diagonal

    Raises:
        ValueError: If ``edge_index`` is missing.
    """

    name = "ring_size"

    def values(self, data: Data) -> Tensor:
        if data.edge_index is None:
            raise ValueError("AddRings needs `edge_index`, the bonds of the molecule")
        size = data.num_nodes
        skeleton = Chem.RWMol()
        for _ in range(size):
            skeleton.AddAtom(Chem.Atom(6))
        ends = data.edge_index.cpu().numpy()
        for begin, end in np.unique(np.sort(ends[:, ends[0] != ends[1]], axis=0), axis=1).T.tolist():
            skeleton.AddBond(begin, end, Chem.BondType.SINGLE)
        found = np.full((size, size), _NONE, dtype=np.uint8)
        for ring in Chem.GetSymmSSSR(skeleton):
            atoms = np.ix_(ring, ring)
            found[atoms] = np.minimum(found[atoms], min(len(ring), _LARGEST))
        return torch.from_numpy(np.where(found == _NONE, 0, found).flatten()).to(data.edge_index.device)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}()"


declare(**{**FIELDS["ring_size"]._asdict(), "transform": AddRings()})
