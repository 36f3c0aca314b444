from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.blending.blend import Blend
from pyg_moleblend.nn.readouts.base import Readout
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules


@register
class EnvironmentReadout(Readout):
    r"""How often each kind of atomic environment occurs in the molecule: a fingerprint of the atoms' states.

    The inner product of two molecules' vectors is about the sum, over all pairs of an atom of the one and an atom of
    the other, of the Gaussian kernel :math:`\exp(-|x - y|^2 / (2 C b^2))` of their states: a Morgan fingerprint in
    which environments are not the same or different, but more or less alike. The sum over the pairs is a sum over
    atoms of random Fourier features (Rahimi and Recht 2007, "Random Features for Large-Scale Kernel Machines"),
    cosines of random projections, which are drawn once and saved. Layers are looked at one by one: early ones know
    an atom's neighbourhood, late ones the molecule.

    There is nothing to learn, so it suits an encoder that stays as it is, under a kernel machine or a linear model.

    Args:
        channels: C.
        layers: Numbers of the layers whose output is looked at; 0 is the input of the first.
            (default: :obj:`(1, 2, 3)`)
        size: Features of each layer. (default: :obj:`1024`)
        bandwidth: b, by how much a channel of two states must differ for them to be of different kinds, in standard
            deviations of the channel: the states are normalised. (default: :obj:`0.5`)
        seed: Of the projections. (default: :obj:`0`)

    Raises:
        ValueError: If there is no layer, or a size or the bandwidth is not positive.
    """

    def __init__(
        self,
        channels: int,
        layers: Sequence[int] = (1, 2, 3),
        size: int = 1024,
        bandwidth: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_sizes(channels=channels, size=size)
        if not layers or min(layers) < 0:
            raise ValueError(f"`layers` must be the numbers of one layer or more, got {tuple(layers)}")
        if not bandwidth > 0:
            raise ValueError(f"`bandwidth` must be positive, got {bandwidth}")
        self.layers = tuple(layers)
        self.size = size
        self.out_channels = size * len(self.layers)
        generator = torch.Generator().manual_seed(seed)
        frequencies = torch.randn(len(self.layers), channels, size, generator=generator)
        self.register_buffer("frequencies", frequencies / (bandwidth * math.sqrt(channels)))
        self.register_buffer("phases", 2 * math.pi * torch.rand(len(self.layers), size, generator=generator))
        self.frequencies: Tensor
        self.phases: Tensor

    def encode(self, encoder: Any, molecules: DenseMolecules, blend: Blend | None = None) -> Any:
        if not hasattr(encoder, "encode_with_hidden_states"):
            raise ValueError(
                f"EnvironmentReadout looks at an encoder's layers, and {type(encoder).__name__} has no "
                "encode_with_hidden_states; take another readout"
            )
        return encoder.encode_with_hidden_states(molecules, blend)

    def forward(self, output: Any, molecules: DenseMolecules) -> Tensor:
        states = output.hidden_states
        if len(states) <= max(self.layers):
            raise ValueError(
                f"EnvironmentReadout looks at the output of the layers {self.layers}, and the encoder has "
                f"{len(states) - 1}; name `layers` that it has"
            )
        real = molecules.mask[..., None]
        found = []
        for number, layer in enumerate(self.layers):
            state = states[layer]
            atoms = F.layer_norm(torch.where(real, state, torch.zeros_like(state)), state.shape[-1:])
            waves = torch.cos(atoms @ self.frequencies[number] + self.phases[number])  # [B, N, size]
            found.append(torch.where(real, waves, torch.zeros_like(waves)).sum(1))
        return torch.cat(found, -1)
