from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.losses import denoising_loss
from pyg_moleblend.nn.blending.blend import chosen_enters
from pyg_moleblend.nn.denoising_head import DenoisingHead
from pyg_moleblend.nn.objectives.base import Objective, Quality, RecoveryState


@register
class Denoising(Objective):
    r"""Predicts the direction of the noise that was added to each atom's coordinates.

    Counted are the real atoms whose 3D feature entered the encoder.

    Args:
        channels: C.
        heads: H, as the encoder's attention bias has them.
        dropout: Dropout probability of the head's attention weights. (default: :obj:`0.1`)

    Shapes:
        - **output:** ``[B, N, 3]``
    """

    quality_name = "cosine"

    def __init__(self, channels: int, heads: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.head = DenoisingHead(channels, heads, dropout)

    def reset_parameters(self) -> None:
        self.head.reset_parameters()

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.atoms, state.bias[:, :, 1:, 1:], state.noisy_pos)

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        return denoising_loss(prediction, state.blend.pos_noise, self._counted(state))

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        counted = self._counted(state)
        cosine = F.cosine_similarity(prediction.to(state.noisy_pos.dtype), state.blend.pos_noise, dim=-1)
        return Quality((cosine * counted).sum(), counted.sum())

    @staticmethod
    def _counted(state: RecoveryState) -> Tensor:
        by_geometry = state.molecules.has_3d[:, None] & chosen_enters(state.blend.atom_feature, 1, "3d")
        return state.molecules.mask & by_geometry
