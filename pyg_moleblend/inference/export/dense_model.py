from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.inference.property_model import PropertyModel
from pyg_moleblend.models.moleblend import pack_for
from pyg_moleblend.models.wanted import wanted_by
from pyg_moleblend.utils import DenseMolecules
from pyg_moleblend.utils.molecules import MODALITIES


class DenseModel(nn.Module):
    r"""Fine-tuned models as one function of dense tensors: what is exported.

    A molecule that the models cannot take has the values NaN: one without atoms, with a feature outside the
    vocabulary, or without coordinates where they are all that is looked at. What stands where padded is not looked at.

    Args:
        members: One model, or several that predict together.

    Shapes:
        - **input:** by name: ``x`` ``[B, N, F]``, ``mask`` ``[B, N]``, ``spd`` ``[B, N, N]`` and every other field that
          the models read; with 3D ``pos`` ``[B, N, 3]``, NaN for a molecule without
        - **output:** by name: ``values`` ``[B, T]``, probabilities or values in the targets' units; of several models
          these are the means, and ``deviations`` ``[B, T]`` go with them
    """

    def __init__(self, members: Sequence[PropertyModel]) -> None:
        super().__init__()
        first = members[0]
        self.models = nn.ModuleList(of.model for of in members)
        self.tasks = [of.task for of in members]
        self.modality = first.modality
        self.wanted = wanted_by(of.model.wanted for of in members)
        self.wanted = self.wanted._replace(pair_fields=self.wanted.pair_fields | {"spd"})  # which tells the degree
        self.config = max((of.model.config for of in members), key=lambda config: config.max_path_length)
        self.feature_sizes: tuple[int, ...] | None = getattr(first.model.encoder, "feature_sizes", None)

    @property
    def levels(self) -> dict[str, str]:
        r"""Names of the inputs, with ``"atom"``, ``"pair"`` or ``"graph"``."""
        levels = {"x": "atom", "mask": "atom"}
        for level in ("pair", "atom", "graph"):
            levels.update(dict.fromkeys(sorted(getattr(self.wanted, f"{level}_fields")), level))
        return levels | ({"pos": "atom"} if "3d" in self.modality else {})

    @property
    def outputs(self) -> list[str]:
        r"""Names of the outputs."""
        return ["values", "deviations"] if len(self.models) > 1 else ["values"]

    def inputs(self, batch: Data) -> dict[str, Tensor]:
        r"""The inputs for a PyG batch.

        Args:
            batch: As for :meth:`~pyg_moleblend.models.MoleBlendForPropertyPrediction.pack`, which says what is wrong
                with it.
        """
        encoder: Any = cast(Any, self.models[0]).encoder
        packed = pack_for(encoder, self.wanted, batch, self.config, self.modality)
        known = packed.has_3d[:, None, None].expand_as(packed.pos)
        pos = torch.where(known, packed.pos, torch.nan).float()
        found = {"x": packed.x, "mask": packed.mask, "pos": pos, **packed.pairs, **packed.atoms, **packed.graphs}
        return {name: found[name] for name in self.levels}

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        molecules, usable = self._molecules(inputs)
        found = []
        for model, task in zip(self.models, self.tasks, strict=True):
            of: Any = model
            values = task.restore(of.from_output(of.readout.encode(of.encoder, molecules), molecules))
            found.append(torch.where(usable[:, None], values, torch.nan))
        if len(found) == 1:
            return {"values": found[0]}
        every = torch.stack(found)
        return {"values": every.mean(0), "deviations": every.std(0)}

    def _molecules(self, inputs: dict[str, Tensor]) -> tuple[DenseMolecules, Tensor]:
        r"""The molecules as the models take them, and which of them they can take, ``[B]``."""
        x, mask = inputs["x"], inputs["mask"]
        inside = mask
        if self.feature_sizes is not None:
            sizes = torch.tensor(self.feature_sizes, device=x.device)
            inside = mask & ((x >= 0) & (x < sizes)).all(-1)  # [B, N]
        usable = mask.any(1) & (inside | ~mask).all(1)
        fields: dict[str, dict[str, Tensor]] = {"pair": {}, "atom": {}, "graph": {}}
        real = {"pair": mask[:, :, None] & mask[:, None, :], "atom": mask}
        for name, level in self.levels.items():
            if name not in ("x", "mask", "pos"):
                value = inputs[name]
                fields[level][name] = _blank(value, real[level]) if level in real else value
        if "pos" in inputs:
            known = (inputs["pos"].isfinite().all(-1) | ~mask).all(1)
            pos = _blank(inputs["pos"], known[:, None] & mask)
        else:
            known = torch.zeros_like(usable)
            pos = torch.zeros(*x.shape[:2], 3, device=x.device)
        flat = "2d" in self.modality
        molecules = DenseMolecules(
            x=_blank(x, inside),
            mask=mask,
            degree=(fields["pair"]["spd"] == 1).sum(1),
            pos=pos,
            has_2d=torch.ones_like(usable) if flat else torch.zeros_like(usable),
            has_3d=known,
            pairs=fields["pair"],
            atoms=fields["atom"],
            graphs=fields["graph"],
            modalities=MODALITIES[self.modality],
        )
        return molecules, usable if flat else usable & known


def _blank(value: Tensor, there: Tensor) -> Tensor:
    r"""The values with zeros where there are to be none."""
    return torch.where(there.view(*there.shape, *[1] * (value.dim() - there.dim())), value, torch.zeros_like(value))
