r"""Molecules in the format of PyG's `ZINC`: atoms of 28 types `x` [N, 1], bonds of 4 types `edge_attr` [E], `y` [1].

The molecules are made up here, so that nothing is downloaded. For the real ones:
`ZINC("data/zinc", subset=True, pre_transform=AddRelations(bond_vocabulary=4))`. With `AQSOL` there are 65 atom types
and 5 bond types; a graph without edge features has `bond_vocabulary=None`.
"""

import torch
from torch_geometric.data import Data
from torch_geometric.explain import Explainer, GNNExplainer
from torch_geometric.loader import DataLoader

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.models import (
    Explainable,
    MoleBlend,
    MoleBlendConfig,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_objectives,
    default_relations,
)
from pyg_moleblend.nn import AtomEmbedding, PairBlending, PooledReadout
from pyg_moleblend.transforms import AddRelations

ATOM_TYPES, BOND_TYPES, OXYGEN = 28, 4, 1


def made_up(generator: torch.Generator) -> Data:
    r"""A tree of 5 to 12 atoms with a ring here and there; its property is the number of its oxygens."""
    size = int(torch.randint(5, 13, (), generator=generator))
    bonds = {(int(torch.randint(0, i, (), generator=generator)), i) for i in range(1, size)} | {(0, size - 1)}
    ends = torch.tensor(sorted(bonds)).T
    kinds = torch.randint(1, BOND_TYPES, (ends.size(1),), generator=generator)
    types = torch.randint(0, 4, (size, 1), generator=generator)
    return Data(
        x=types,
        edge_index=torch.cat([ends, ends.flip(0)], dim=1),
        edge_attr=torch.cat([kinds, kinds]),
        y=(types == OXYGEN).sum().float().view(1),
    )


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the batches are small: more threads wait for each other
    transform, generator = AddRelations(bond_vocabulary=BOND_TYPES), torch.Generator().manual_seed(0)
    molecules = [transform(made_up(generator)) for _ in range(240)]
    loader = DataLoader(molecules[:200], batch_size=50, shuffle=True)

    config = MoleBlendConfig(channels=32, num_layers=2, heads=4, ffn_channels=32, num_gaussians=8)
    embedding = AtomEmbedding(config.channels, config.num_gaussians, feature_sizes=(ATOM_TYPES,))
    encoder = MoleBlend(config, default_relations(config, BOND_TYPES), embedding)
    objectives = default_objectives(config, BOND_TYPES)
    in_2d = {name: objectives[name] for name in ("spd", "bond_path")}  # there are no coordinates to recover
    blending = PairBlending({"spd": 0.4, "bond_path": 0.4}, none=0.2)
    pretraining = MoleBlendForPretraining(config, encoder, in_2d, blending, {"spd": 1.0, "bond_path": 1.0})
    optimizer = torch.optim.Adam(pretraining.parameters(), lr=3e-3)
    for epoch in range(8):
        for batch in loader:
            step = pretraining.step(batch)
            optimizer.zero_grad()
            step.loss.backward()
            optimizer.step()
        print(f"epoch {epoch}  " + "  ".join(f"{name} {loss.item():.3f}" for name, loss in step.losses.items()))

    model = MoleBlendForPropertyPrediction(config, 1, encoder, PooledReadout(config.channels))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(25):
        for batch in loader:
            loss = (model(batch)[:, 0] - batch.y).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model = from_pretrained(save_pretrained(model, "runs/zinc_format"))
    test = next(iter(DataLoader(molecules[200:], batch_size=40)))
    with torch.no_grad():
        error = (model(test)[:, 0] - test.y).abs().mean()
    print(f"error {error:.3f}  of the mean {(test.y - test.y.mean()).abs().mean():.3f}")

    settings = {"mode": "regression", "task_level": "graph", "return_type": "raw"}
    explainable = Explainable(model)
    explainer = Explainer(
        explainable,
        GNNExplainer(epochs=100, lr=0.1),
        explanation_type="model",
        node_mask_type="object",
        model_config=settings,
    )
    mask = explainer(explainable.gates(test), test.edge_index, molecules=test).node_mask[:, 0]
    oxygen = test.x[:, 0] == OXYGEN
    print(f"mask of oxygens {mask[oxygen].mean():.2f}  of other atoms {mask[~oxygen].mean():.2f}")
