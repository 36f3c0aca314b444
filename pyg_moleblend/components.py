r"""Components: classes that a saved model names, with the arguments that they were built with.

A saved model is a tree of registered names and JSON arguments beside its weights. Loading it builds exactly that tree
from classes that are known by then: those of this package, those that :func:`register` was called on, those that the
caller passes, and those that installed packages offer as entry points. No file ever makes a module be imported.

Nothing here knows of torch. What a component must do stands with its base class, ``nn.RelationBias`` say.
"""

from __future__ import annotations

import functools
import inspect
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from importlib.metadata import entry_points
from textwrap import indent
from types import ModuleType
from typing import Any, TypeVar, overload

ENTRY_POINTS = "pyg_moleblend.components"
r"""Group of entry points under which an installed package offers its components."""

_NAME, _ARGUMENTS = "component", "arguments"
_RECORD = "_component_arguments"
_LINE = 110  # characters that are printed of a component before it takes several lines
C = TypeVar("C", bound=type)


class UnknownComponentError(ValueError):
    r"""A component that a saved model names, and that nobody has registered."""


class Component:
    r"""Remembers the arguments that it is built with, so that it can be described and built again."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return _record(super().__new__(cls), args, kwargs)

    def component_arguments(self) -> dict[str, Any]:
        r"""Arguments that build an equal component: JSON values, other components, and mappings or lists of these.

        By default they are those that the constructor was given.
        """
        return arguments_of(self)

    def __repr__(self) -> str:
        try:
            arguments = self.component_arguments()
        except ValueError:  # nobody has recorded them
            return f"{type(self).__name__}(...)"
        return _printed(f"{type(self).__name__}(", [f"{name}={_text(value)}" for name, value in arguments.items()], ")")


@overload
def register(target: C) -> C: ...
@overload
def register(target: str) -> Callable[[C], C]: ...
def register(target: Any) -> Any:
    r"""Makes a class known, so that models that hold it can be saved and loaded.

    Use it as a decorator, ``@register`` or ``@register("another-name")``. The constructor's arguments must be JSON
    values or other components.

    Args:
        target: The class, which is registered under its own name, or the name to register the decorated class under.

    Raises:
        ValueError: If another class has this name.
        TypeError: If it is neither a class nor a name.
    """
    if isinstance(target, str):
        name = target
        return lambda cls: _register(cls, name)
    if not isinstance(target, type):
        raise TypeError(f"register takes a class or a name, got {target!r}")
    return _register(target, target.__name__)


class Registry:
    r"""Classes by their registered names.

    Args:
        parent: Where to look for names that are not here.
    """

    def __init__(self, parent: Registry | None = None) -> None:
        self._parent = parent
        self._classes: dict[str, type] = {}

    def add(self, cls: type, name: str) -> None:
        r"""Adds a class.

        Raises:
            ValueError: If another class has this name.
        """
        other = self.get(name)
        if other is not None and other is not cls and not _is_redefined(other, cls):
            raise ValueError(
                f"two components are called {name!r}: {_path(other)} and {_path(cls)}; register one under another "
                'name, @register("another-name")'
            )
        self._classes[name] = cls

    def get(self, name: str) -> type | None:
        r"""The class of a name, or ``None``."""
        found = self._classes.get(name)
        return found if found is not None or self._parent is None else self._parent.get(name)

    def names(self) -> list[str]:
        r"""All names that are known."""
        return sorted({*self._classes, *(self._parent.names() if self._parent else ())})

    def name_of(self, cls: type) -> str:
        r"""The name under which a class is registered; its own where it is not.

        Raises:
            ValueError: If it is not registered, and another class has its name.
        """
        known = [*self._classes.items(), *(self._parent._classes.items() if self._parent else ())]
        for same in (operator.is_, _is_redefined):  # a class that was defined again may have another name by now
            for name, other in known:
                if same(other, cls):
                    return name
        if self.get(cls.__name__) is not None:
            raise ValueError(
                f"{_path(cls)} is not registered, and {cls.__name__!r} is the name of another component: decorate it "
                'with @register("another-name")'
            )
        return cls.__name__


REGISTRY = Registry()
r"""The components of this process."""


def with_components(components: Iterable[type]) -> Registry:
    r"""The registry of this process with more classes, each under the name it is registered under or its own."""
    if isinstance(components, type):
        raise ValueError(f"`components` must be a list of classes, components=[{components.__name__}]")
    registry = Registry(REGISTRY)
    for cls in components:
        if not isinstance(cls, type):
            raise ValueError(f"`components` must be classes, got {cls!r}")
        registry.add(cls, REGISTRY.name_of(cls))
    return registry


def describe(component: object) -> dict[str, Any]:
    r"""A component as JSON values: ``{"component": name, "arguments": {...}}``.

    Raises:
        ValueError: If an argument cannot be JSON, the component's own arguments are not known, or two classes of one
            name are in it.
    """
    return _describe(component, {})


def _describe(component: object, classes: dict[str, type]) -> dict[str, Any]:
    cls = type(component)
    name = REGISTRY.name_of(cls)
    other = classes.setdefault(name, cls)
    if other is not cls:
        raise ValueError(
            f"two classes are called {name!r}, {_path(other)} and {_path(cls)}: register one under another name, "
            '@register("another-name"), or, where a class was defined again, build again what was built before'
        )
    own = getattr(component, "component_arguments", None)
    made = arguments_of(component) if own is None else own()
    arguments = {key: _to_json(value, f"{name}({key}=...)", classes) for key, value in made.items()}
    return {_NAME: name, _ARGUMENTS: arguments}


def build(description: Any, registry: Registry = REGISTRY, source: str = "the description") -> Any:
    r"""The component of a description, the inverse of :func:`describe`; other values come back as they are.

    Args:
        description: What :func:`describe` gave, or plain JSON values that may hold such descriptions.
        registry: The classes to build from.
        source: What to call the description in errors: the file that it is from.

    Raises:
        UnknownComponentError: If a name is not known; it says which, where, and the remedies.
        ValueError: If a component refuses its arguments.
    """
    if isinstance(description, list):
        return [build(value, registry, source) for value in description]
    if not isinstance(description, Mapping):
        return description
    if set(description) != {_NAME, _ARGUMENTS}:
        return {key: build(value, registry, source) for key, value in description.items()}
    name, given = description[_NAME], description[_ARGUMENTS]
    if not isinstance(name, str) or not isinstance(given, Mapping):
        raise ValueError(f"{source} is damaged: a component must have a name and a mapping of arguments, got {name!r}")
    cls = find(name, registry, source)
    arguments = {key: build(value, registry, source) for key, value in given.items()}
    made = construct(cls, arguments, f"{source}: component {name!r}")
    if not hasattr(made, "component_arguments"):
        vars(made).setdefault(_RECORD, arguments)  # of a class that is passed and not registered
    return made


def construct(cls: type, arguments: Mapping[str, Any], what: str, first: Mapping[str, Any] | None = None) -> Any:
    r"""An object of a class, made with arguments by name, also those that the constructor takes by place alone.

    Args:
        cls: The class.
        arguments: The arguments.
        what: What to call the object in errors.
        first: At most one argument, the constructor's first, whatever it is called there; it gives way to one of
            ``arguments``.

    Raises:
        ValueError: If the constructor has no such argument, or refuses one.
    """
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    given = dict(arguments)
    for name, value in (first or {}).items():
        head = named[0].name if named and named[0].kind is not named[0].KEYWORD_ONLY else name
        given.setdefault(name if name in [p.name for p in named] else head, value)
    unknown = sorted(set(given) - {p.name for p in named})
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        raise ValueError(
            f"{what} cannot be built: unexpected keyword arguments {unknown}, its own are {[p.name for p in named]}"
        )
    by_place = [p for p in named if p.kind is p.POSITIONAL_ONLY]
    while by_place and by_place[-1].name not in given:
        by_place.pop()
    try:
        placed = [given.pop(p.name) if p.name in given or p.default is p.empty else p.default for p in by_place]
        return cls(*placed, **given)
    except Exception as error:  # whatever a class of its user's says
        raise ValueError(f"{what} cannot be built: {error if str(error) else type(error).__name__}") from error


def find(name: str, registry: Registry = REGISTRY, source: str = "the description") -> type:
    r"""The class of a name; entry points of installed packages are looked at when nobody else knows it.

    Raises:
        UnknownComponentError: If it is not known.
    """
    cls = registry.get(name)
    if cls is None:
        _load_entry_points()
        cls = registry.get(name)
    if cls is None:
        near = get_close_matches(name, registry.names(), 1)
        raise UnknownComponentError(
            f"{source} needs the component {name!r}, which is not known here"
            f"{f' (is it {near[0]!r}?)' if near else ''}. Import the module that registers it with @register, pass "
            f"its class, from_pretrained(..., components=[{name}]), install the package that offers it (entry point "
            f"group {ENTRY_POINTS!r}), or name its file on the command line with --plugin FILE.py"
        )
    return cls


def arguments_of(component: object) -> dict[str, Any]:
    r"""The arguments that a component was built with, by name.

    Raises:
        ValueError: If nobody has recorded them.
    """
    recorded = vars(component).get(_RECORD)
    if recorded is None:
        raise ValueError(
            f"nobody knows the arguments that {_path(type(component))} was built with: decorate its class with "
            "@register (pyg_moleblend.components), and build it again"
        )
    return dict(recorded)


def argument_of(component: object, name: str) -> Any:
    r"""One of the arguments that a component was built with; ``None`` where it has none of this name."""
    return getattr(component, "__dict__", {}).get(_RECORD, {}).get(name)


def arguments_with(component: object, **parts: Any) -> dict[str, Any]:
    r"""The arguments that a component was built with, those among ``parts`` with the values that are given here.

    So a default is saved as what it stood for, and a subclass whose constructor takes other arguments is saved with
    those.
    """
    made = arguments_of(component)
    return {name: parts.get(name, value) for name, value in made.items()}


def _register(cls: type, name: str) -> type:
    if not hasattr(cls, "component_arguments"):
        _make_recording(cls)
    REGISTRY.add(cls, name)
    return cls


def _make_recording(cls: Any) -> None:
    if not cls.__dictoffset__:
        raise ValueError(f"{_path(cls)} has __slots__ alone: a component needs a __dict__, or component_arguments()")
    original = cls.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if type(self).__init__ is init:  # not where a subclass calls it, whose own arguments these are not
            _record(self, args, kwargs)
        original(self, *args, **kwargs)

    cls.__init__ = init


def _record(component: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        bound = inspect.signature(type(component).__init__).bind(component, *args, **kwargs)
    except TypeError:  # a copy, which is given its state afterwards; or wrong arguments, for the constructor to refuse
        return component
    given = set(bound.arguments)
    bound.apply_defaults()
    made: dict[str, Any] = {}
    for name, parameter in list(bound.signature.parameters.items())[1:]:
        value = bound.arguments[name]
        if parameter.kind is parameter.VAR_KEYWORD:
            made.update(value)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            if value:
                raise TypeError(f"{_path(type(component))} takes *{name}: a component's arguments need names")
        elif name in given or _is_json(value):  # a default may change with the next version
            made[name] = value
    made = {name: _copied(value) for name, value in made.items()}
    vars(component)[_RECORD] = made
    return component


def _copied(value: Any) -> Any:
    r"""The value, with mappings and lists of its own: the caller may change those that were given."""
    if isinstance(value, Mapping):
        return {key: _copied(entry) for key, entry in value.items()}
    return [_copied(entry) for entry in value] if type(value) is list else value


def _is_json(value: Any) -> bool:
    try:
        _to_json(value, "")
    except ValueError:
        return False
    return True


def _to_json(value: Any, place: str, classes: dict[str, type] | None = None) -> Any:
    classes = {} if classes is None else classes
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and value - value == 0):
        return value
    if isinstance(value, Mapping):
        if bad := [key for key in value if not isinstance(key, str)]:
            raise ValueError(f"{place} cannot be saved: the keys of a mapping must be texts, got {bad[:3]}")
        if set(value) == {_NAME, _ARGUMENTS}:
            raise ValueError(
                f"{place} cannot be saved: a mapping of {_NAME!r} and {_ARGUMENTS!r} stands for a component"
            )
        return {key: _to_json(entry, place, classes) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(entry, place, classes) for entry in value]
    if hasattr(value, "component_arguments") or _RECORD in getattr(value, "__dict__", {}):
        return _describe(value, classes)
    raise ValueError(
        f"{place} cannot be saved: an argument must be a JSON value (a finite number, text, bool, None, a list or "
        f"mapping of these) or a component, whose class has @register, got {type(value).__name__} {str(value)[:60]}"
    )


def _text(value: Any) -> str:
    r"""A value for people: what would build it, over several lines where one is too short."""
    if isinstance(value, Mapping):
        return _printed("{", [f"{key!r}: {_text(entry)}" for key, entry in value.items()], "}")
    if not isinstance(value, Component) and hasattr(value, "component_arguments"):
        entries = [f"{name}={_text(entry)}" for name, entry in value.component_arguments().items()]
        return _printed(f"{type(value).__name__}(", entries, ")")
    return repr(value)


def _printed(opening: str, entries: list[str], closing: str) -> str:
    line = opening + ", ".join(entries) + closing
    if len(line) <= _LINE and "\n" not in line:
        return line
    return "\n".join([opening, *(indent(entry, "  ") + "," for entry in entries), closing])


def _is_redefined(old: type, new: type) -> bool:
    # A cell of a notebook that is run again, a plugin that is loaded again, a module that is reloaded.
    # A file may be a script, a plugin and a module at once.
    same_place = old.__module__ == new.__module__ or _file(new) is not None
    return old.__qualname__ == new.__qualname__ and _file(old) == _file(new) and same_place


def _file(cls: type) -> str | None:
    try:
        return inspect.getsourcefile(cls)
    except (TypeError, OSError):
        return None


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _load_entry_points() -> None:
    for point in entry_points(group=ENTRY_POINTS):
        try:
            loaded = point.load()
            if isinstance(loaded, type) and REGISTRY.get(REGISTRY.name_of(loaded)) is not loaded:
                _register(loaded, loaded.__name__)
            elif not isinstance(loaded, (type, ModuleType)):
                raise TypeError(f"it is neither a class nor a module that registers some, got {loaded!r}")
        except Exception as error:  # one package that is broken keeps no other from being asked
            reason = f"{type(error).__name__}: {error}"
            warnings.warn(f"the components of entry point {point.name!r} cannot be had: {reason}", stacklevel=4)
