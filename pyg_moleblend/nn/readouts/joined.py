from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.blending.blend import Blend
from pyg_moleblend.nn.checks import check_built_for, named_parts
from pyg_moleblend.nn.readouts.base import Readout
from pyg_moleblend.utils import DenseMolecules


@register
class JoinedReadout(Readout):
    r"""Several readouts' vectors, one behind the other.

    Args:
        channels: C.
        readouts: The readouts, by a name of their own; at least one.

    Raises:
        ValueError: If there is none, one was built for another C, or two ask the encoder for different outputs.
    """

    def __init__(self, channels: int, readouts: Mapping[str, Readout]) -> None:
        super().__init__()
        self.readouts = named_parts("readout", readouts, Readout)
        if not self.readouts:
            raise ValueError("`readouts` must hold at least one readout, got none")
        for name, readout in self.readouts.items():
            check_built_for(f"the readout {name!r}", readout, channels=channels)
        self.sizes: dict[str, int] = {name: readout.out_channels for name, readout in self._parts()}
        self.out_channels = sum(self.sizes.values())
        asking = {type(readout).encode: name for name, readout in self._parts() if _asks(readout)}
        if len(asking) > 1:
            raise ValueError(
                f"readouts that ask the encoder for different outputs cannot be joined: {[*asking.values()]}"
            )
        for level in ("pair_fields", "atom_fields", "graph_fields"):
            wanted = (field for _, readout in self._parts() for field in getattr(readout, level))
            setattr(self, level, tuple(dict.fromkeys(wanted)))

    def encode(self, encoder: Any, molecules: DenseMolecules, blend: Blend | None = None) -> Any:
        r"""As the first readout that asks for more than the encoder gives by itself, whose output serves the others."""
        asking = [readout for _, readout in self._parts() if _asks(readout)]
        return asking[0].encode(encoder, molecules, blend) if asking else super().encode(encoder, molecules, blend)

    def forward(self, output: Any, molecules: DenseMolecules) -> Tensor:
        return torch.cat([readout(output, molecules) for _, readout in self._parts()], -1)

    def _parts(self) -> list[tuple[str, Any]]:
        return list(self.readouts.items())


def _asks(readout: Readout) -> bool:
    return type(readout).encode is not Readout.encode
