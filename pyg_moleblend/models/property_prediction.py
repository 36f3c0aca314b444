from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.components import Component, arguments_with, register
from pyg_moleblend.models.config import MoleBlendConfig, check_encoder
from pyg_moleblend.models.moleblend import MoleBlend, pack_for
from pyg_moleblend.models.wanted import Wanted, wanted_by
from pyg_moleblend.nn import Blending, Criterion, GraphTokenReadout, Readout
from pyg_moleblend.nn.blending.base import check_blending, drawn
from pyg_moleblend.nn.checks import check_built_for
from pyg_moleblend.nn.criteria.base import check_criterion
from pyg_moleblend.nn.reset import reset, reset_linear
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules, Modality


@register
class MoleBlendForPropertyPrediction(Component, nn.Module):
    r"""Predicts properties of molecules from the encoder's output (arXiv 2307.06235, section 4.2).

    Args:
        config: The encoder's shape.
        num_tasks: T, the number of properties.
        encoder: The encoder, a pretrained one say; a fresh :class:`MoleBlend` by default. It has ``encode(molecules)``,
            whose output has ``graph`` ``[B, C]`` and ``atoms`` ``[B, N, C]``.
        readout: What of its output the properties are predicted from; the graph token by default.
        blending: Draws, in training only, what enters of each molecule: ``MoleculeBlending({"2d+3d": 0.2, "2d": 0.2,
            "3d": 0.6})`` draws its mode (arXiv 2210.01765, section 3). Its noise is not added. Nothing is drawn by
            default.
        criterion: What the model is trained by: how many numbers k it gives for each property, and what of these is the
            prediction. One number, which is the prediction, by default.

    Shapes:
        - **input:** a batch of molecules
        - **output:** ``[B, T]``, logits or standardised values, as the loss has it
    """

    def __init__(
        self,
        config: MoleBlendConfig,
        num_tasks: int,
        encoder: nn.Module | None = None,
        readout: Readout | None = None,
        blending: Blending | None = None,
        criterion: Criterion | None = None,
    ) -> None:
        super().__init__()
        check_sizes(num_tasks=num_tasks)
        self.config = config
        self.num_tasks = num_tasks
        self.encoder: Any = MoleBlend(config) if encoder is None else encoder
        check_encoder(config, self.encoder)
        self.readout = GraphTokenReadout(config.channels) if readout is None else readout
        width = getattr(self.readout, "out_channels", None)
        if not isinstance(self.readout, Readout) or type(width) is not int or width < 1:
            raise ValueError(f"the readout must be a Readout that says its `out_channels`, got {readout!r}")
        check_built_for("the readout", self.readout, channels=config.channels)
        self.blending = blending
        _ = self.wanted  # refuses parts that tell bonds apart in different ways
        if blending is not None:
            check_blending(blending, self.modalities)
        if criterion is not None:
            check_criterion(criterion)
        self.criterion = criterion
        self.dense = nn.Linear(width, config.channels)
        self.out = nn.Linear(config.channels, num_tasks * (1 if criterion is None else criterion.outputs))
        self.dropout = nn.Dropout(config.dropout)
        self._reset_linears()

    def component_arguments(self) -> dict[str, Any]:
        return arguments_with(
            self,
            config=self.config,
            num_tasks=self.num_tasks,
            encoder=self.encoder,
            readout=self.readout,
            blending=self.blending,
            criterion=self.criterion,
        )

    @property
    def modalities(self) -> dict[str, str]:
        r"""``"2d"`` or ``"3d"`` for each relation that the encoder blends."""
        return dict(getattr(self.encoder, "modalities", {}))

    @property
    def wanted(self) -> Wanted:
        r"""What the encoder and the readout read of their molecules."""
        return wanted_by([getattr(self.encoder, "wanted", self.encoder), self.readout])

    def reset_head(self) -> None:
        r"""Draws fresh weights for the readout and the head alone."""
        self.readout.reset_parameters()
        self._reset_linears()

    def reset_parameters(self) -> None:
        r"""Draws fresh weights."""
        reset(self.encoder)
        self.reset_head()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        r"""Compiles the encoder in place."""
        self.encoder.compile(*args, **kwargs)

    def pack(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> DenseMolecules:
        r"""Lays out a batch with all fields that the encoder and the readout read.

        Raises:
            MemoryError: If the batch cannot fit; see :func:`pyg_moleblend.models.check_memory`.
        """
        return pack_for(self.encoder, self.wanted, batch, self.config, modality)

    def forward(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> Tensor:
        r"""Predicts the properties of a batch.

        Args:
            batch: A ``Batch`` or one ``Data`` with the fields of :mod:`pyg_moleblend.fields`.
            modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).
        """
        return self.mean(self.outputs(batch, modality))

    def outputs(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> Tensor:
        r"""All that the criterion wants to know of each property of a batch, ``[B, T, k]``; arguments as for
        :meth:`forward`."""
        molecules = self.pack(batch, modality)
        blend = None
        if self.blending is not None and self.training:
            blend = drawn(self.blending, molecules, self.modalities)
        return self._head(self.readout.encode(self.encoder, molecules, blend), molecules)

    def mean(self, outputs: Tensor) -> Tensor:
        r"""The properties ``[B, T]`` of outputs ``[B, T, k]``."""
        return outputs[..., 0] if self.criterion is None else self.criterion.mean(outputs)

    def from_output(self, output: Any, molecules: DenseMolecules) -> Tensor:
        r"""The properties ``[B, T]`` that the readout and the head make of an encoder's output.

        Args:
            output: What the readout's ``encode`` gives.
            molecules: Of these molecules, packed.
        """
        return self.mean(self._head(output, molecules))

    def _head(self, output: Any, molecules: DenseMolecules) -> Tensor:
        vector = self.readout(output, molecules)
        if vector.shape != (expected := (molecules.mask.size(0), self.dense.in_features)):
            raise ValueError(f"the readout must give [B, out_channels] = {list(expected)}, got {list(vector.shape)}")
        numbers = self.out(self.dropout(F.gelu(self.dense(self.dropout(vector)))))
        return numbers.unflatten(1, (self.num_tasks, -1))

    def _reset_linears(self) -> None:
        reset_linear(self.dense)
        reset_linear(self.out)
