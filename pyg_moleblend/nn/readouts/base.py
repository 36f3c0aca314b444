from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from pyg_moleblend.components import Component
from pyg_moleblend.nn.blending.blend import Blend
from pyg_moleblend.nn.reset import reset_children
from pyg_moleblend.utils import DenseMolecules


class Readout(Component, nn.Module, ABC):
    r"""What of the encoder's output a property is predicted from.

    A subclass says in ``out_channels`` how many numbers :meth:`forward` gives for a molecule. The first argument of its
    constructor is ``channels``.
    """

    out_channels: int
    pair_fields: tuple[str, ...] = ()
    atom_fields: tuple[str, ...] = ()
    graph_fields: tuple[str, ...] = ()

    def reset_parameters(self) -> None:
        r"""Draws fresh weights; by default each child draws its own."""
        reset_children(self)

    def encode(self, encoder: Any, molecules: DenseMolecules, blend: Blend | None = None) -> Any:
        r"""The encoder's output that :meth:`forward` gets; a subclass that looks at more asks the encoder for it."""
        return encoder.encode(molecules) if blend is None else encoder.encode(molecules, blend)

    @abstractmethod
    def forward(self, output: Any, molecules: DenseMolecules) -> Tensor:
        r"""The molecules' vectors, ``[B, out_channels]``.

        Args:
            output: The encoder's output: ``graph`` ``[B, C]``, and ``atoms`` ``[B, N, C]``, meaningless where padded.
            molecules: The molecules; ``mask`` ``[B, N]`` is True for real atoms.
        """
