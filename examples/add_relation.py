r"""A relation of one's own: the heat kernel of the molecular graph, blended with the paper's three and predicted back,
saved and loaded again, without a change to the package.

A transform attaches its values to each molecule, a bias module brings them into attention, and an objective recovers
them. What is registered is found again when a model is loaded.
"""

import tempfile

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform, Compose

from pyg_moleblend import fields
from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.components import register
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendConfig,
    MoleBlendForPretraining,
    default_objectives,
    default_relations,
)
from pyg_moleblend.nn import PairBlending, Recover, RelationBias
from pyg_moleblend.training import fit_statistics
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import DenseMolecules

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "C1CCC2CCCCC2C1", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"]


class AddHeatKernel(BaseTransform):
    r"""Attaches `heat` `[N * N]`: how much heat has flown from atom to atom along bonds after one unit of time."""

    def forward(self, data: Data) -> Data:
        laplacian = torch.zeros(data.num_nodes, data.num_nodes)
        laplacian[data.edge_index[0], data.edge_index[1]] = -1
        laplacian.diagonal().copy_(-laplacian.sum(1))
        data.heat = torch.linalg.matrix_exp(-laplacian).flatten()
        return data


# A model that reads `heat` attaches it by itself to molecules that lack it, those of a prediction say.
fields.declare("heat", "pair", meaning="heat kernel of the molecular graph", transform=AddHeatKernel())


@register
class HeatKernelBias(RelationBias):
    r"""A linear function of the heat kernel a head."""

    pair_fields = ("heat",)

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.linear = nn.Linear(1, heads)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return self.linear(molecules.pairs["heat"][..., None]).permute(0, 3, 1, 2)


if __name__ == "__main__":
    torch.manual_seed(0)
    transform = Compose([AddRelations(), AddHeatKernel()])
    molecules = [transform(from_smiles(smiles)) for smiles in SMILES]
    batch = Batch.from_data_list(molecules)

    config = MoleBlendConfig(channels=64, num_layers=2, heads=8)
    relations = {**default_relations(config), "heat": HeatKernelBias(config.heads)}
    objectives = {**default_objectives(config), "heat": Recover("pair", "heat", config.channels, size=1)}
    blending = PairBlending({"spd": 0.2, "bond_path": 0.2, "distance": 0.3, "heat": 0.3})
    model = MoleBlendForPretraining(config, MoleBlend(config, relations), objectives, blending, {"heat": 1.0})
    fit_statistics(model, molecules)  # what the heat is standardised by; `pretrain` does it by itself

    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(100):
        output = model(batch)
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        if step % 33 == 0:
            losses = "  ".join(f"{name} {float(loss.detach()):.3f}" for name, loss in output.losses.items())
            print(f"step {step:2d}  {losses}")

    with tempfile.TemporaryDirectory() as folder:
        save_pretrained(model, folder)
        loaded = from_pretrained(folder)
    print("loaded with", ", ".join(loaded.modalities), "and", ", ".join(loaded.objectives))
