from __future__ import annotations

import math

import torch
from torch.utils.data import get_worker_info
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform


@functional_transform("perturb_moleblend_positions")
class PerturbPositions(BaseTransform):
    r"""Adds Gaussian noise to the coordinates (functional name: :obj:`perturb_moleblend_positions`).

    Meant for augmentation. Pretraining draws its own noise within
    :class:`~pyg_moleblend.models.MoleBlendForPretraining`, which also needs the clean coordinates.

    Args:
        std: Standard deviation of the noise in Å; 0.2 is the published pretraining's. (default: :obj:`0.2`)
        generator: Source of randomness; PyTorch's global one by default, which differs between a loader's workers.
            A generator of one's own would be copied into each worker and draw the same noise there, so it is refused.

    Shapes:
        - **input and output:** ``pos`` ``[N, 3]``; NaN rows stay NaN

    Raises:
        ValueError: If the molecule has no ``pos``, or ``std`` is negative.
    """

    def __init__(self, std: float = 0.2, generator: torch.Generator | None = None) -> None:
        if not 0 <= std < math.inf:
            raise ValueError(f"`std` must be at least 0 Å, got {std}")
        self.std = std
        self.generator = generator

    def forward(self, data: Data) -> Data:
        if data.pos is None:
            raise ValueError("PerturbPositions needs `pos`; attach coordinates first, with AddConformer, say")
        if self.generator is not None and get_worker_info() is not None:
            raise ValueError(
                "PerturbPositions with a generator cannot run in a loader's workers: leave `generator` out"
            )
        noise = torch.randn(data.pos.shape, generator=self.generator, dtype=data.pos.dtype, device=data.pos.device)
        data.pos = data.pos + self.std * noise
        return data

    def __repr__(self) -> str:
        seed = None if self.generator is None else self.generator.initial_seed()
        return f"{self.__class__.__name__}(std={self.std}, seed={seed})"
