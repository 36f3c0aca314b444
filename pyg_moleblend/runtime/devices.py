r"""What a device can hold."""

from __future__ import annotations

from typing import Any

import torch


def widest(device: torch.device | str) -> torch.dtype:
    r"""The floating point type with the most digits that a device has: Apple's GPUs have no float64."""
    return torch.float32 if torch.device(device).type == "mps" else torch.float64


def move(batch: Any, device: torch.device | str) -> Any:
    r"""A PyG batch on a device, its labels with as many digits as can be had there."""
    if widest(device) == torch.float32:
        batch = narrowed(batch)
    return batch.to(device)


def narrowed(batch: Any) -> Any:
    r"""A copy of a batch with float32 in the place of float64."""
    return batch.clone().apply(lambda x: x.float() if x.dtype == torch.float64 else x)
