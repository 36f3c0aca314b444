r"""Packages that import what they export when it is first asked for, so that nobody waits for what is not used."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any


def export_lazily(package: str) -> None:
    r"""Makes the names of a package's ``__all__`` come from where its ``if TYPE_CHECKING:`` block imports them.

    Args:
        package: The package's ``__name__``; to be called at the end of its ``__init__``.
    """
    sys.modules[package].__class__ = _LazyPackage


class _LazyPackage(ModuleType):
    __all__: list[str]

    def __getattr__(self, name: str) -> Any:
        if name not in self.__dict__.get("__all__", ()):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_places(self.__name__)[name]), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Python binds a submodule to its name; where a function has that name too, it is the function's.
        if isinstance(value, ModuleType) and name in self.__all__:
            value = getattr(value, name)
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__all__})


@cache
def _places(package: str) -> dict[str, str]:
    r"""The module of each name that a package exports, from its own source."""
    tree = ast.parse(inspect.getsource(sys.modules[package]))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in found for alias in node.names}
