r"""Whether a batch fits, before it is computed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData

from pyg_moleblend.models.config import MoleBlendConfig
from pyg_moleblend.models.cost import estimate_memory
from pyg_moleblend.runtime.free_memory import free_memory
from pyg_moleblend.utils import DenseMolecules
from pyg_moleblend.utils.dense import num_atoms
from pyg_moleblend.utils.graph_input import molecule_of_atoms

ALWAYS_FITS: int = 2**28
r"""Bytes below which nobody asks how much memory is free."""

_GPU_TOLERANCE = 2


def available_memory(device: torch.device) -> int:
    r"""Bytes that can still be taken on a device; on the CPU, as :func:`~pyg_moleblend.runtime.free_memory.free_memory`
    says."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return free_memory()


def check_memory(
    config: MoleBlendConfig,
    batch: Data | DenseMolecules,
    activation_checkpointing: bool = False,
    pair_outputs: int = 0,
) -> None:
    r"""Refuses a batch that cannot fit, before anything is allocated.

    On the CPU that is the only warning before the system kills the process. On a GPU a
    batch is refused only where twice its free memory would be too little: fused attention and bf16 take less than the
    estimate, and PyTorch itself says when memory is out.

    Args:
        config: The model.
        batch: A ``Batch`` or one ``Data``.
        activation_checkpointing: As the encoder has it.
        pair_outputs: Numbers predicted for each pair; see :func:`~pyg_moleblend.models.estimate_memory`.

    Raises:
        MemoryError: If the estimate exceeds what is free; it names the largest molecule.
    """
    if isinstance(batch, (DenseMolecules, Mapping, HeteroData)):
        return  # packed already, of a user who made it by hand, or for `pack` to refuse
    x: Tensor | None = batch.x
    if x is None:
        return  # for `pack` to say
    counts = num_atoms(molecule_of_atoms(batch), x.size(0), getattr(batch, "num_graphs", None), x.device)
    if not counts.numel():
        return
    largest, training = int(counts.max()), torch.is_grad_enabled()
    needed = estimate_memory(config, len(counts), largest, training, activation_checkpointing, pair_outputs)
    if needed < ALWAYS_FITS or x.device.type not in ("cpu", "cuda"):
        return
    free = available_memory(x.device)
    if needed > free * (_GPU_TOLERANCE if x.device.type == "cuda" else 1):
        number = int(counts.argmax())
        smiles = getattr(batch, "smiles", None)
        name = f" ({smiles[number] if isinstance(smiles, list) else smiles})" if smiles else ""
        kind = "training step" if training else "forward pass"
        raise MemoryError(
            f"a {kind} on this batch of {len(counts)} molecules needs about {needed / 1e9:.1f} GB, but "
            f"{free / 1e9:.1f} GB are free on {x.device}: all are padded to the {largest} atoms of molecule "
            f"{number}{name}. Set a budget of padded pairs a batch (`max_pairs`), make batches smaller, set "
            "`activation_checkpointing`, or leave the molecule out"
        )
