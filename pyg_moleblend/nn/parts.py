r"""Whether what is passed as the parts of a model are such parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn


def check_part(argument: str, part: Any, base: type) -> None:
    r"""Raises :class:`ValueError` unless a part is an object of the class ``base``."""
    if isinstance(part, base):
        return
    got = f"the class {part.__name__} itself; call it" if isinstance(part, type) else f"{type(part).__name__}"
    raise ValueError(f"`{argument}` must be of the class {base.__name__}, got {got}")


def check_parts(argument: str, parts: Any, base: type) -> None:
    r"""Raises :class:`ValueError` unless parts are a mapping of names to objects of the class ``base``."""
    if not isinstance(parts, (Mapping, nn.ModuleDict)):
        raise ValueError(
            f"`{argument}` must map names to parts of the class {base.__name__}, got {type(parts).__name__}"
        )
    for name, part in parts.items():
        check_part(f"{argument}[{name!r}]", part, base)
