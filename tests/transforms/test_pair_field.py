import subprocess
import sys

import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader

from pyg_moleblend.transforms.pair_field import AddPairField
from pyg_moleblend.utils import pack


class AddOrder(AddPairField):
    r"""Two numbers a pair, so that a mistake of a row is seen."""

    name = "order"

    def values(self, data: Data) -> Tensor:
        number = torch.arange(data.num_nodes**2)
        return torch.stack([number, data.num_nodes * torch.ones_like(number)], dim=-1)


def test_a_batch_can_be_taken_apart_and_put_together():
    graphs = samples.molecules()
    batch = AddOrder()(Batch.from_data_list(graphs))
    for piece, graph in zip(batch.to_data_list(), graphs, strict=True):
        assert torch.equal(piece.order, AddOrder()(graph).order)
    again = next(iter(DataLoader(batch[1:4], batch_size=3)))
    expected = pack(Batch.from_data_list([AddOrder()(graph) for graph in graphs[1:4]]), ["order"])
    assert torch.equal(pack(again, ["order"]).pairs["order"], expected.pairs["order"])


def test_the_core_alone_says_which_transform_is_missing():
    code = """
import sys, torch, pyg_moleblend.nn
from torch_geometric.data import Data
from pyg_moleblend.utils import pack
edges = torch.zeros(2, 0, dtype=torch.long)
data = Data(x=torch.zeros(2, 9, dtype=torch.long), edge_index=edges, edge_attr=torch.zeros(0, 3, dtype=torch.long))
for field in ("ring_size", "brics", "no_such_field"):
    try:
        pack(data, [field])
    except ValueError as error:
        print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = ["AddFragments", "'no_such_field'"]  # rings are found by the core alone
    for line, transform in zip(result.stdout.splitlines(), expected, strict=True):
        assert transform in line
