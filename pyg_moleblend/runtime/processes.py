r"""What the processes of a run, started by torchrun, SLURM or Lightning, do together outside of Lightning's loops."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import Tensor

from pyg_moleblend.runtime.ranks import started_as


def rank() -> int:
    r"""Number of this process; 0 where it is alone."""
    return dist.get_rank() if _several() else 0


def world_size() -> int:
    r"""How many processes there are."""
    return dist.get_world_size() if _several() else 1


def is_first() -> bool:
    r"""Whether this process is the one that speaks and writes: the first of those that are joined or, before they are,
    of those that torchrun, SLURM or Lightning have started."""
    return (rank() if _several() else started_as()) == 0


def wait_for_all() -> None:
    r"""Waits until every process has come here, with what it was to write say."""
    if _several():
        dist.barrier()


def share_of(count: int) -> Tensor:
    r"""Positions from 0 to ``count - 1`` that this process is to work on; no two processes have one in common."""
    return torch.arange(rank(), count, world_size())


def gather_rows(positions: Tensor, values: Tensor | None, count: int) -> Tensor:
    r"""Puts together what the processes have computed for single rows; all of them must call it.

    Args:
        positions: Rows that this process has computed, ``[m]``.
        values: What it has for them, ``[m, F]``; None where that is nothing.
        count: M, how many rows there are.

    Returns:
        ``[M, F]`` on the CPU, on every process.

    Raises:
        RuntimeError: If a row was not computed exactly once.
    """
    own = (positions.cpu(), None if values is None else values.cpu())
    parts = [own] * world_size()
    if _several():
        dist.all_gather_object(parts, own)
    rows = torch.cat([part for part, _ in parts])
    times = torch.bincount(rows, minlength=count)
    wrong = (times != (torch.arange(len(times)) < count)).nonzero().flatten()
    if len(wrong):
        raise RuntimeError(
            f"{len(wrong)} of {count} rows were not computed exactly once over {len(parts)} processes, the first being "
            f"row {int(wrong[0])}"
        )
    return torch.cat([part for _, part in parts if part is not None])[rows.argsort()]


def join() -> None:
    r"""Joins the processes that torchrun has started, for work without Lightning; nothing where there is one.

    They stay joined until they end: PyTorch cannot join the same processes twice, for the second time finds what the
    first has left in their store, and may wait for ever.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or not dist.is_available() or dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    dist.init_process_group("gloo")  # what is sent are results, on the CPU


def _several() -> bool:
    return dist.is_available() and dist.is_initialized()
