r"""A function of batches over a whole dataset, in the dataset's order, on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.datasets.targets import take
from pyg_moleblend.loader import molecule_loader, molecule_sizes
from pyg_moleblend.runtime.devices import move
from pyg_moleblend.runtime.processes import gather_rows, share_of, world_size

MAX_PAIRS = 2**18
r"""Most padded pairs of atoms of a batch, or those of the largest molecule: 64 molecules of 64 atoms. Memory grows
with them. A batch that is cut is padded to another size, which may move the last digit of float32."""


@torch.inference_mode()
def run_batches(
    compute: Callable[[Any], Tensor],
    molecules: Sequence[Data] | Any,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
) -> Tensor:
    r"""What a function of batches gives for each molecule, ``[M, F]``, in the dataset's order, on the CPU.

    Where several processes have been joined (under Lightning's DDP, or ``torch.distributed``), each computes its share,
    and all get the whole: all of them must call this.

    Args:
        compute: Gives ``[B, F]`` for a batch.
        molecules: A PyG dataset, or a list of ``Data``; at least one.
        batch_size: Most molecules of a batch; batches hold molecules of like size, and no more than :data:`MAX_PAIRS`
            pairs. (default: :obj:`64`)
        device: Where the batches go. (default: :obj:`"cpu"`)
    """
    share = share_of(len(molecules))
    if not len(share):
        return gather_rows(share, None, len(molecules))
    own = molecules if world_size() == 1 else take(molecules, share)
    largest = int(molecule_sizes(own).max())
    loader = molecule_loader(own, batch_size, max_pairs=max(MAX_PAIRS, largest**2))
    positions = torch.tensor([position for batch in loader.batch_sampler or () for position in batch])
    values = torch.cat([compute(move(batch, device)).cpu() for batch in loader])
    return gather_rows(share[positions], values, len(molecules))


def pick_device(device: str) -> torch.device:
    r"""The device of a name; ``"auto"`` is a GPU where there is one.

    Raises:
        ValueError: If there is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.zeros(1, device=device)
        found.item()  # a device that cannot compute is none
        return found.device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"there is no device {device!r}: {str(error).splitlines()[0]}") from error
