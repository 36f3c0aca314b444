from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.models.config import MoleBlendConfig, check_same_shape
from pyg_moleblend.models.moleblend import MoleBlend
from pyg_moleblend.nn.precision import reset_linear
from pyg_moleblend.utils import DenseMolecules, Modality


class MoleBlendForPropertyPrediction(nn.Module):
    r"""Predicts properties of molecules from the encoder's graph token (arXiv 2307.06235, section 4.2).

    Args:
        config: The model's shape.
        num_tasks: T, the number of properties.
        encoder: The encoder, a pretrained one say, of the configuration's shape; a fresh one by default.

    Shapes:
        - **input:** a batch of molecules
        - **output:** ``[B, T]``, logits or standardised values, as the loss has it
    """

    def __init__(self, config: MoleBlendConfig, num_tasks: int, encoder: MoleBlend | None = None) -> None:
        super().__init__()
        if type(num_tasks) is not int or num_tasks < 1:
            raise ValueError(f"`num_tasks` must be an integer of at least 1, got {num_tasks!r}")
        self.config = config
        self.num_tasks = num_tasks
        self.encoder = MoleBlend(config) if encoder is None else encoder
        check_same_shape(config, self.encoder.config)
        self.dense = nn.Linear(config.channels, config.channels)
        self.out = nn.Linear(config.channels, num_tasks)
        self.dropout = nn.Dropout(config.dropout)
        self.reset_head()

    def reset_head(self) -> None:
        r"""Draws fresh weights for the head alone."""
        reset_linear(self.dense)
        reset_linear(self.out)

    def reset_parameters(self) -> None:
        r"""Draws fresh weights."""
        self.encoder.reset_parameters()
        self.reset_head()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        r"""Compiles the encoder in place."""
        self.encoder.compile(*args, **kwargs)

    def forward(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> Tensor:
        r"""Predicts the properties of a batch.

        Args:
            batch: A ``Batch`` or one ``Data`` with the fields of :mod:`pyg_moleblend.fields`.
            modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).
        """
        graph = self.encoder.encode(self.encoder.pack(batch, modality)).graph
        return self.out(self.dropout(F.gelu(self.dense(self.dropout(graph)))))
