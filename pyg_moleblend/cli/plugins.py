r"""Code of the user's own that registers components: loaded because its name stands on the command line, never else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Generic, TypeVar

from pyg_moleblend.runtime.files import digest_of

OPTION = "--plugin"
LOADED: list[str] = []
r"""The plugins of this process."""

T = TypeVar("T")


def take_plugins(words: Sequence[str]) -> tuple[list[str], list[str]]:
    r"""The plugins among a verb's words, and the words without them.

    Raises:
        ValueError: If the option is given without a name.
    """
    plugins: list[str] = []
    others: list[str] = []
    following = iter(words)
    for word in following:
        name, equals, value = word.partition("=")
        if name != OPTION:
            others.append(word)
            continue
        value = value if equals else next(following, "")
        if not value or value.startswith("--"):
            raise ValueError(f"{OPTION} needs the path of a Python file, or the name of a module")
        plugins.append(value)
    return plugins, others


class WithPlugins(Generic[T]):
    r"""A function that loads the plugins which this process has loaded first, wherever it is called.

    Args:
        function: It can be pickled.
    """

    def __init__(self, function: Callable[..., T]) -> None:
        self.plugins = tuple(LOADED)
        self.function = function

    def __call__(self, **arguments: Any) -> T:
        for plugin in self.plugins:
            load_plugin(plugin)
        return self.function(**arguments)


def plugin_digests() -> list[str]:
    r"""What tells the plugins of this process from others: the checksums of their files."""
    modules = [sys.modules[Path(name).stem if name.endswith(".py") else name] for name in LOADED]
    return sorted(digest_of(module.__file__) for module in modules if module.__file__ is not None)


def load_plugin(name: str) -> None:
    r"""Runs a Python file, or imports a module, so that it registers its components.

    Args:
        name: Path of a ``.py`` file, or a module's name.

    Raises:
        ValueError: If there is none, or it fails.
    """
    path = Path(name)
    is_file = path.suffix == ".py"
    if is_file and not path.is_file():
        raise ValueError(f"there is no plugin file {path}")
    known = sys.modules.get(path.stem) if is_file else None
    if known is not None and getattr(known, "__file__", None) == str(path.resolve()):
        _note(name)
        return
    if known is not None:
        raise ValueError(f"plugin {path} has the name of the module {path.stem!r}, which is loaded already: rename it")
    try:
        if is_file:
            _run(path)
        else:
            import_module(name)
    except Exception as error:
        raise ValueError(f"plugin {name} cannot be loaded: {type(error).__name__}: {error}") from error
    _note(name)


def _note(name: str) -> None:
    if name not in LOADED:
        LOADED.append(name)


def _run(path: Path) -> None:
    spec = spec_from_file_location(path.stem, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[path.stem] = module  # so that worker processes find its classes
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
