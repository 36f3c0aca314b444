from __future__ import annotations

import torch


def pick_device(device: str) -> torch.device:
    r"""The device of a name; ``"auto"`` is a GPU where there is one.

    Raises:
        ValueError: If there is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"there is no device {device!r}: {str(error).splitlines()[0]}") from error
