from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from pyg_moleblend.runtime.open_file import PICKLE_DAMAGE

# Configuration objects of the training framework; they carry nothing that is wanted here.
_IGNORED_MODULES = ("argparse", "enum", "fairseq", "hydra", "numpy", "omegaconf", "pathlib", "typing")


# Plain types, to which configuration objects refer.
_PLAIN = (argparse.Namespace, bool, bytes, complex, defaultdict, dict, float, frozenset, int, list, set, str, tuple)


class _Ignored:
    r"""Stands in for an object whose class is not wanted: takes any state and keeps none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


def load_tensors(path: str | Path) -> Any:
    r"""Loads a file written by :func:`torch.save` without running any code of it.

    Tensors, plain containers and argparse namespaces come back as they are. Configuration objects of the
    training framework come back empty, whether or not that framework is installed. Anything else is refused.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, or names anything that could run code.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        plain = {f"{kind.__module__}.{kind.__qualname__}" for kind in _PLAIN}
        names = [name for name in get_unsafe_globals_in_checkpoint(path) if name not in plain]
        if refused := [name for name in names if name.split(".")[0] not in _IGNORED_MODULES]:
            raise ValueError(f"it names {', '.join(refused)}, which could run code")
        stand_ins: list[Any] = [(type("Ignored", (_Ignored,), {}), name) for name in names]
        with safe_globals([*_PLAIN, *stand_ins]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except PICKLE_DAMAGE as error:
        # PyTorch's own message begins with advice to let the file run code; what went wrong stands after it.
        message = str(error).rpartition("WeightsUnpickler error:")[2].strip() or type(error).__name__
        reason = message.split("\n")[0]
        raise ValueError(
            f"{path} is refused: {reason}; a checkpoint may hold tensors, plain values and configuration only"
        ) from error
