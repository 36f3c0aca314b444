r"""Fields of one's own at every level, and the transform that attaches them; spawned processes import this module."""

import torch
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.chem import MoleculeError
from pyg_moleblend.fields import declare

LEVELS = {"own_pair": "pair", "own_count": "pair", "own_atom": "atom", "own_graph": "graph", "own_text": "graph"}
declare("own_pair", level="pair", size=2)
declare("own_count", level="pair", dtype="int64", sentinel="")
declare("own_atom", level="atom", dtype="bool", sentinel="")
declare("own_graph", level="graph", size=3, dtype="float64")
declare("own_text", level="graph", dtype="str", sentinel="")


class AddOwn(BaseTransform):
    r"""Attaches one field a level, and one that nobody declared with a row a molecule."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def forward(self, data: Data) -> Data:
        if data.smiles == "[He]":
            raise MoleculeError(data.smiles, "helium is not wanted", "leave it out")
        n = data.num_nodes
        data.own_pair = self.scale * torch.arange(2.0 * n * n).view(n * n, 2)
        data.own_count = 300 * torch.arange(n).repeat(n) - 5
        data.own_atom = data.x[:, 0] > 5
        data.own_graph = torch.full((1, 3), float(n), dtype=torch.float64)
        data.own_text = f"{data.smiles} · {n}"
        data.whole = torch.tensor([n], dtype=torch.int16)
        return data

    def __repr__(self) -> str:
        return f"{type(self).__name__}(scale={self.scale})"
