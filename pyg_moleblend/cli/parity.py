r"""Whether two models give the same numbers, on a few molecules that have everything: rings, charges, a salt, 3D."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.transforms import AddConformer

MOLECULES = ("CC(=O)Oc1ccccc1C(=O)O", "C/C=C/[C@H](N)C(=O)[O-].[Na+]", "C#N", "O=S(=O)(N)c1ccc(Cl)nc1")

Model = MoleBlend | MoleBlendForPretraining | MoleBlendForPropertyPrediction


@torch.no_grad()
def outputs(model: Model) -> dict[str, Tensor]:
    r"""What a model gives for the molecules: atom and graph states, and each prediction under a fixed blend."""
    embed = AddConformer(seed=0)
    batch = Batch.from_data_list([embed(from_smiles(smiles)) for smiles in MOLECULES])
    encoded = (model if isinstance(model, MoleBlend) else model.encoder)(batch)
    values = {"graph states": encoded.graph, "atom states": encoded.atoms}
    if isinstance(model, MoleBlendForPropertyPrediction):
        values["predictions"] = model(batch)
    if isinstance(model, MoleBlendForPretraining):
        blended = model(batch, generator=torch.Generator().manual_seed(0))
        values.update({f"{name} predictions": value for name, value in blended.predictions.items()})
    return values


def largest_difference(first: Model, second: Model) -> dict[str, float]:
    r"""Largest absolute difference of each output of two models of one shape, both in evaluation mode."""
    theirs = outputs(second)
    return {name: float((value - theirs[name]).abs().max()) for name, value in outputs(first).items()}
