r"""A MoleBLEND layer in a PyG model of one's own: beside message passing, in `torch_geometric.nn.Sequential`."""

import torch
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import GINEConv, GPSConv, Sequential, global_mean_pool

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.nn import MoleBlendConv

SMILES = ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "C1CCCCC1", "CC(=O)[O-].[Na+]"]


class Net(nn.Module):
    r"""Message passing and biased attention over all pairs of atoms, by turns, after PyG's own graph transformer."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.atom = nn.Linear(9, channels)
        self.bond = nn.Linear(3, channels)
        self.gps = GPSConv(channels, GINEConv(nn.Linear(channels, channels)), heads=4)
        self.body = Sequential(
            "x, edge_index, edge_attr, bond, batch, pos",
            [
                (MoleBlendConv(channels, heads=4), "x, edge_index, edge_attr, batch, pos -> x"),
                (GINEConv(nn.Linear(channels, channels)), "x, edge_index, bond -> x"),
                nn.ReLU(),
                (MoleBlendConv(channels, heads=4), "x, edge_index, edge_attr, batch, pos -> x"),
            ],
        )
        self.out = nn.Linear(channels, 1)

    def forward(self, data: Batch) -> torch.Tensor:
        bond = self.bond(data.edge_attr.float())
        x = self.gps(self.atom(data.x.float()), data.edge_index, data.batch, edge_attr=bond)
        x = self.body(x, data.edge_index, data.edge_attr, bond, data.batch, data.pos)
        return self.out(global_mean_pool(x, data.batch))


if __name__ == "__main__":
    torch.manual_seed(0)
    batch = Batch.from_data_list([from_smiles(smiles) for smiles in SMILES])
    target = torch.tensor([[len(smiles)] for smiles in SMILES]).float() / 10
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(60):
        loss = (model(batch) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 20 == 0 or step == 59:
            print(f"step {step:2d}  loss {float(loss.detach()):.4f}")
