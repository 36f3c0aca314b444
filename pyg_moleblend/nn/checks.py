r"""Whether parts fit the model that they are given to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from pyg_moleblend.components import argument_of


def named_parts(what: str, parts: Mapping[str, nn.Module], base: type, reserved: Sequence[str] = ()) -> nn.ModuleDict:
    r"""Parts of a model by name, in their order.

    Args:
        what: What one of them is called in errors: "relation".
        parts: The parts.
        base: The class that each must be of.
        reserved: Names that mean something else.

    Raises:
        ValueError: If a name cannot be one, or a part is of another class.
    """
    if not isinstance(parts, Mapping):
        raise ValueError(f"{what}s must be a mapping, {{name: {what}}}, got {type(parts).__name__}")
    empty = nn.ModuleDict()
    for name, part in parts.items():
        if not isinstance(name, str) or not name or "." in name or hasattr(empty, name) or name in reserved:
            taken = f"; {list(reserved)} are taken, too" if reserved else ""
            raise ValueError(
                f"{name!r} cannot be the name of one of the {what}s: it must be a text without dots, and none to which "
                f"PyTorch's modules give a meaning, such as 'type'{taken}"
            )
        if not isinstance(part, base):
            got = f"the class {part.__name__}, which is to be called" if isinstance(part, type) else type(part).__name__
            raise ValueError(f"{what} {name!r} must be of the class {base.__name__}, got {got}")
    return nn.ModuleDict(parts)


def check_built_for(what: str, part: object, **sizes: int) -> None:
    r"""Raises :class:`ValueError` if a part's constructor was given other sizes than its model has.

    Args:
        what: What the part is called in errors.
        part: The part.
        sizes: The model's sizes, by the names of the constructor's arguments.
    """
    for name, size in sizes.items():
        own = argument_of(part, name)
        if type(own) is int and own != size:
            raise ValueError(f"{what} was built for {name}={own}, but its model has {name}={size}")
