r"""Whether a batch fits, before it is computed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pyg_moleblend.models.config import MoleBlendConfig
from pyg_moleblend.models.cost import estimate_memory
from pyg_moleblend.runtime.free_memory import free_memory

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
    counts: Tensor,
    largest: int,
    activation_checkpointing: bool = False,
    pair_outputs: int = 0,
    smiles: str | Sequence[str] | None = None,
) -> None:
    r"""Refuses a batch that cannot fit, before anything is laid out.

    On the CPU that is the only warning before the system kills the process. On a GPU a batch is refused only where
    twice its free memory would be too little: fused attention and bf16 take less than the estimate, and PyTorch itself
    says when memory is out.

    Args:
        config: The encoder's shape.
        counts: Atoms of each molecule, ``[B]``, on the device that is to hold the batch.
        largest: N, the most of them.
        activation_checkpointing: As the encoder has it. (default: :obj:`False`)
        pair_outputs: Numbers predicted for each pair; see :func:`~pyg_moleblend.models.estimate_memory`.
            (default: :obj:`0`)
        smiles: The molecules, for the error. (default: :obj:`None`)

    Raises:
        MemoryError: If the estimate exceeds what is free; it names the largest molecule.
    """
    device, training = counts.device, torch.is_grad_enabled()
    needed = estimate_memory(config, len(counts), largest, training, activation_checkpointing, pair_outputs)
    if needed < ALWAYS_FITS or device.type not in ("cpu", "cuda"):
        return
    free = available_memory(device)
    if needed > free * (_GPU_TOLERANCE if device.type == "cuda" else 1):
        number = int(counts.argmax())
        name = f" ({smiles if isinstance(smiles, str) else smiles[number]})" if smiles else ""
        kind = "training step" if training else "forward pass"
        raise MemoryError(
            f"a {kind} on this batch of {len(counts)} molecules needs about {needed / 1e9:.1f} GB, but "
            f"{free / 1e9:.1f} GB are free on {device}: all are padded to the {largest} atoms of molecule "
            f"{number}{name}. Set a budget of padded pairs a batch (`max_pairs`), make batches smaller, set "
            "`activation_checkpointing`, or leave the molecule out"
        )
