from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.components import Component, register
from pyg_moleblend.models.config import config_of
from pyg_moleblend.models.moleblend import pack_for
from pyg_moleblend.models.wanted import wanted_by
from pyg_moleblend.nn import GraphTokenReadout, Readout
from pyg_moleblend.nn.checks import check_built_for
from pyg_moleblend.utils import DenseMolecules, Modality


@register
class MoleBlendForEmbedding(Component, nn.Module):
    r"""Makes a vector of each molecule: an encoder, and what is read out of it.

    Args:
        encoder: The encoder, a pretrained one say.
        readout: What the vectors are made by; the graph token by default.

    Shapes:
        - **input:** a batch of molecules
        - **output:** ``[B, readout.out_channels]``, float32

    Raises:
        ValueError: If the readout is none, or was built for another encoder.
    """

    def __init__(self, encoder: nn.Module, readout: Readout | None = None) -> None:
        super().__init__()
        self.encoder: Any = encoder
        self.config = config_of(encoder)
        self.readout = GraphTokenReadout(self.config.channels) if readout is None else readout
        if not isinstance(self.readout, Readout):
            got = type(self.readout).__name__
            raise ValueError(f"the readout must be a Readout, such as GraphTokenReadout, got a {got}")
        check_built_for("the readout", self.readout, channels=self.config.channels)
        self._wanted = wanted_by([getattr(encoder, "wanted", encoder), self.readout])

    def forward(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> Tensor:
        r"""Embeds a batch of molecules.

        Args:
            batch: The molecules.
            modality: Which inputs to use.
        """
        molecules = pack_for(self.encoder, self._wanted, batch, self.config, modality)
        return self.readout(self.readout.encode(self.encoder, molecules), molecules).float()
