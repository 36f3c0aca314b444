r"""Components by the words of a configuration file: which relations, objectives, blending and readout a run is to have.

A component is a registered name, or ``{component: NAME, arguments: {...}}``; ``null`` takes one of the defaults away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyg_moleblend.components import construct, find
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendConfig,
    MoleBlendForPretraining,
    default_objectives,
    default_relations,
)

Words = dict[str, Any]


def make_encoder(config: MoleBlendConfig, relations: Words | None) -> MoleBlend:
    r"""An encoder with the paper's relations and those that are named."""
    if not relations:
        return MoleBlend(config)
    return MoleBlend(config, merged(default_relations(config), relations, "relations", heads=config.heads))


def make_pretraining(
    config: MoleBlendConfig,
    relations: Words | None = None,
    objectives: Words | None = None,
    blending: Words | str | None = None,
    loss_weights: dict[str, float] | None = None,
) -> MoleBlendForPretraining:
    r"""A model with the paper's relations and objectives, and those that are named."""
    encoder = make_encoder(config, relations)  # first, so that its fresh weights are those of a model made in Python
    chosen = merged(default_objectives(config), objectives, "objectives", channels=config.channels)
    drawn = None if blending is None else make(blending, "blending")
    return MoleBlendForPretraining(config, encoder, chosen, drawn, loss_weights)


def merged(defaults: Mapping[str, Any], words: Words | None, what: str, **first: int) -> dict[str, Any]:
    r"""The defaults with the components that are named, in the defaults' order.

    Args:
        defaults: The default components by name.
        words: What is named; ``None`` takes a default away.
        what: What to call it in errors.
        first: The first argument of the components, by name.
    """
    made = dict(defaults)
    for name, entry in (words or {}).items():
        if entry is None and name not in made:
            raise ValueError(f"{what} cannot lose {name!r}, they are {list(made)}")
        if entry is None:
            del made[name]
        else:
            made[name] = make(entry, f"{what}.{name}", **first)
    return made


def make(entry: Any, what: str, **first: int) -> Any:
    r"""The component of a name, or of a name and arguments.

    Raises:
        ValueError: If it is neither, or the component refuses its arguments.
    """
    if isinstance(entry, str):
        entry = {"component": entry}
    if not isinstance(entry, Mapping) or "component" not in entry or set(entry) - {"component", "arguments"}:
        raise ValueError(
            f"{what} must be a component's name, or {{component: NAME, arguments: {{...}}}}, got {entry!r}"
        )
    name, given = str(entry["component"]), entry.get("arguments") or {}
    if not isinstance(given, Mapping):
        raise ValueError(f"the arguments of {what} must be {{NAME: VALUE, ...}}, got {given!r}")
    arguments = {key: _inner(value, f"{what}.{key}") for key, value in given.items()}
    return construct(find(name, source=what), arguments, f"{what}: component {name!r}", first)


@dataclass(frozen=True)
class Named:
    r"""What makes the component of a name for a number of channels, here or in another process.

    Args:
        entry: As for :func:`make`.
        what: Likewise.
    """

    entry: Any
    what: str

    def __call__(self, channels: int) -> Any:
        return make(self.entry, self.what, channels=channels)


def _inner(value: Any, what: str) -> Any:
    r"""An argument, the components within it made."""
    if isinstance(value, Mapping) and "component" in value:
        return make(value, what)
    if isinstance(value, Mapping):
        return {key: _inner(entry, f"{what}.{key}") for key, entry in value.items()}
    return [_inner(entry, what) for entry in value] if isinstance(value, list) else value
