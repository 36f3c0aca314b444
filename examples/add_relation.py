r"""A relation of one's own: the resistance distance of the molecular graph, blended with the paper's three and
predicted back, without a change to the package.

A relation is a bias module; to be pretrained it also has an objective. Its values come from a pair field, which a
transform attaches to each molecule.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform, Compose

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.losses import masked_mean
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendConfig,
    MoleBlendForPretraining,
    default_objectives,
    default_relations,
)
from pyg_moleblend.nn import Objective, PairHead, Quality, RecoveryState, RelationBias
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import DenseMolecules

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "C1CCC2CCCCC2C1", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"]


class AddResistance(BaseTransform):
    r"""Attaches `resistance` `[N * N]`: effective resistance between atoms, every bond being one ohm."""

    def forward(self, data: Data) -> Data:
        laplacian = torch.zeros(data.num_nodes, data.num_nodes)
        laplacian[data.edge_index[0], data.edge_index[1]] = -1
        laplacian.diagonal().copy_(-laplacian.sum(1))
        inverse = torch.linalg.pinv(laplacian)
        diagonal = inverse.diagonal()
        data.resistance = (diagonal[:, None] + diagonal - 2 * inverse).flatten()
        return data


class ResistanceBias(RelationBias):
    r"""A linear function of the resistance a head."""

    pair_fields = ("resistance",)

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.linear = nn.Linear(1, heads)

    def reset_parameters(self) -> None:
        self.linear.reset_parameters()

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return self.linear(molecules.pairs["resistance"][..., None]).permute(0, 3, 1, 2)


class ResistanceRecovery(Objective):
    r"""Predicts the resistance of every pair back; the loss is its absolute error."""

    pair_fields = ("resistance",)
    quality_name = "mae"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.head = PairHead(channels, 1)

    def reset_parameters(self) -> None:
        self.head.reset_parameters()

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.atoms).squeeze(-1)

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        error = (prediction - state.molecules.pairs["resistance"]).abs()
        return masked_mean(error, state.molecules.pair_mask)

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        pairs = state.molecules.pair_mask.sum()
        return Quality(self.loss(prediction, state) * pairs, pairs)


if __name__ == "__main__":
    torch.manual_seed(0)
    transform = Compose([AddRelations(), AddResistance()])
    batch = Batch.from_data_list([transform(from_smiles(smiles)) for smiles in SMILES])

    config = MoleBlendConfig(channels=64, num_layers=2, heads=8, relation_probabilities=(0.2, 0.2, 0.3, 0.3))
    config = replace(config, loss_weights={**config.loss_weights, "resistance": 1.0})
    relations = {**default_relations(config), "resistance": ResistanceBias(config.heads)}
    objectives = {**default_objectives(config), "resistance": ResistanceRecovery(config.channels)}
    model = MoleBlendForPretraining(config, MoleBlend(config, relations), objectives)

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(100):
        output = model(batch)
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        if step % 33 == 0:
            losses = "  ".join(f"{name} {float(loss.detach()):.3f}" for name, loss in output.losses.items())
            print(f"step {step:2d}  {losses}")
