r"""How much memory a batch takes, before it is taken."""

from __future__ import annotations

import psutil
import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.models.config import MoleBlendConfig
from pyg_moleblend.nn.pair_recovery import BLOCK_ELEMENTS
from pyg_moleblend.relations import bond_class_targets
from pyg_moleblend.utils import DenseMolecules
from pyg_moleblend.utils.dense import num_atoms

ALWAYS_FITS: int = 2**28
r"""Bytes below which nobody asks how much memory is free."""

_FLOAT = 4
# Numbers that training keeps, counted from the layers and checked against measurements (docs/scaling.md): per token
# and channel of a layer; per head and pair of a layer; per pair for each Gaussian, for each head of the bias, and for
# each number of the recovery heads.
_LAYER, _ATTENTION, _GAUSSIAN, _BIAS, _HEAD = 16, 3, 6, 8, 3
_FORWARD = 3  # of the last four without gradients
_MARGIN = 1.15


def estimate_memory(
    config: MoleBlendConfig, batch_size: int, largest: int, training: bool, activation_checkpointing: bool = False
) -> int:
    r"""Bytes that one batch takes on top of the weights, gradients and optimizer, in float32, to about a
    quarter.

    Args:
        config: The model.
        batch_size: B, molecules of the batch.
        largest: N, atoms of its largest molecule: padding costs as much as atoms.
        training: Whether it is a step of pretraining, or a forward pass without gradients.
        activation_checkpointing: Whether only the layers' inputs are kept.
    """
    B, N, T = batch_size, largest, largest + 1
    C, L, H, K = config.channels, config.num_layers, config.heads, config.num_gaussians
    if not training:
        return int(_MARGIN * _FLOAT * B * (_FORWARD * N * N * (K + H) + (_LAYER // 2) * T * C))
    layer = B * (_LAYER * T * max(C, config.ffn_channels) + _ATTENTION * H * T * T)
    embedding = B * N * N * (_GAUSSIAN * K + _BIAS * H)
    outputs = config.max_path_length * (int(bond_class_targets(config.bond_vocabulary).max()) + 1)
    heads = _HEAD * min(B * N * N * outputs, max(BLOCK_ELEMENTS, B * N * outputs))
    if activation_checkpointing:
        return int(_MARGIN * _FLOAT * (B * (L * T * C + H * T * T) + layer + max(embedding, heads)))
    return int(_MARGIN * _FLOAT * (L * layer + embedding + heads))


def available_memory(device: torch.device) -> int:
    r"""Bytes that can still be taken on a device; on the CPU, what the system can give without swapping."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(psutil.virtual_memory().available)


def check_memory(config: MoleBlendConfig, batch: Data | DenseMolecules, activation_checkpointing: bool = False) -> None:
    r"""Refuses a batch that cannot fit, before anything is allocated.

    Args:
        config: The model.
        batch: A ``Batch`` or one ``Data``.
        activation_checkpointing: As the encoder has it.

    Raises:
        MemoryError: If the estimate exceeds what is free; it names the largest molecule.
    """
    if isinstance(batch, DenseMolecules):
        return  # packed already
    x: Tensor | None = batch.x
    if x is None:
        return  # for `pack` to say
    counts = num_atoms(getattr(batch, "batch", None), x.size(0), getattr(batch, "num_graphs", None), x.device)
    if not counts.numel():
        return
    largest, training = int(counts.max()), torch.is_grad_enabled()
    needed = estimate_memory(config, len(counts), largest, training, activation_checkpointing)
    if needed < ALWAYS_FITS or x.device.type not in ("cpu", "cuda"):
        return
    free = available_memory(x.device)
    if needed > free:
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
