from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pyg_moleblend.components import register
from pyg_moleblend.fields import MAX_PATH_LENGTH
from pyg_moleblend.runtime.open_file import parse_json
from pyg_moleblend.runtime.sizes import check_sizes

_SIZES = ("channels", "num_layers", "heads", "ffn_channels", "num_gaussians", "max_path_length")
MAX_LAYERS = 1000
r"""More is a slip of the pen, and would be built for hours."""
DROPOUTS = ("dropout", "attention_dropout", "activation_dropout", "drop_path")


@register
@dataclass(frozen=True)
class MoleBlendConfig:
    r"""The shape of an encoder, and its dropouts.

    Args:
        channels: C, width of the atom states.
        num_layers: L.
        heads: H, a divisor of ``channels``.
        ffn_channels: Width of the feed-forward networks.
        num_gaussians: K, width of the distances' Gaussian basis.
        max_path_length: P, bonds of a shortest path that are looked at.
        dropout: Dropout probability of the atom embedding, of each branch and of the prediction head.
        attention_dropout: Dropout probability of the attention weights.
        activation_dropout: Dropout probability within the feed-forward networks.
        drop_path: Probability of dropping a branch of the last layer for a molecule; it rises linearly from 0.

    Raises:
        ValueError: If a value is out of its range; the message gives the value and what was expected.
    """

    channels: int = 256
    num_layers: int = 6
    heads: int = 16
    ffn_channels: int = 256
    num_gaussians: int = 64
    max_path_length: int = MAX_PATH_LENGTH
    dropout: float = 0.0
    attention_dropout: float = 0.1
    activation_dropout: float = 0.1
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(**{name: getattr(self, name) for name in _SIZES})
        if self.num_layers > MAX_LAYERS:
            raise ValueError(f"`num_layers` must be at most {MAX_LAYERS}, got {self.num_layers}")
        if self.channels % self.heads:
            raise ValueError(f"`channels` must be divisible by `heads`, got {self.channels} and {self.heads}")
        for name in DROPOUTS:
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not 0 <= value < 1:
                raise ValueError(f"`{name}` must lie in [0, 1), got {value!r}")

    @classmethod
    def paper(cls, **changes: Any) -> MoleBlendConfig:
        r"""The published encoder: 12 layers of 768 channels (arXiv 2307.06235, section 4.1)."""
        published = cls(channels=768, num_layers=12, heads=32, ffn_channels=768, num_gaussians=128, drop_path=0.1)
        return cls.from_dict({**published.to_dict(), **changes})

    def component_arguments(self) -> dict[str, Any]:
        r"""The arguments that build an equal configuration, see :mod:`pyg_moleblend.components`."""
        return self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        r"""The configuration as plain, JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MoleBlendConfig:
        r"""The inverse of :meth:`to_dict`; unknown keys are refused."""
        known = {entry.name for entry in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"unknown configuration keys {unknown}; known are {sorted(known)}")
        return cls(**values)

    def to_json(self) -> str:
        r"""The configuration as JSON text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> MoleBlendConfig:
        r"""The inverse of :meth:`to_json`; unknown keys are refused."""
        return cls.from_dict(parse_json(text, "the configuration"))


def check_config(config: object) -> None:
    r"""Raises :class:`ValueError` unless this is a configuration."""
    if not isinstance(config, MoleBlendConfig):
        raise ValueError(f"`config` must be a MoleBlendConfig, got {type(config).__name__}")


def check_encoder(config: MoleBlendConfig, encoder: Any) -> None:
    r"""Raises :class:`ValueError` unless an encoder can encode, and is of the configuration's shape, if it says one."""
    if isinstance(encoder, type) or not callable(getattr(encoder, "encode", None)):
        what = encoder.__name__ if isinstance(encoder, type) else type(encoder).__name__
        raise ValueError(f"the encoder must be a module that has encode(molecules, blend), got {what}")
    check_config(config)
    other = getattr(encoder, "config", None)
    if not isinstance(other, MoleBlendConfig):
        return
    pairs = {name: (getattr(config, name), getattr(other, name)) for name in _SIZES}
    if differing := [f"{name} ({mine} and {its})" for name, (mine, its) in pairs.items() if mine != its]:
        raise ValueError(f"model and encoder differ in {', '.join(differing)}; pass the encoder's own `config`")


def check_paths(config: MoleBlendConfig, parts: Iterable[tuple[str, Any]]) -> None:
    r"""Raises :class:`ValueError` if a part looks at more bonds of a path than the configuration has."""
    for name, part in parts:
        length = getattr(part, "max_path_length", 0)
        if isinstance(length, int) and length > config.max_path_length:
            raise ValueError(
                f"{name!r} ({type(part).__name__}) looks at {length} bonds of a path, the configuration at "
                f"max_path_length={config.max_path_length}: make that larger, or give the part this one"
            )


def config_of(encoder: Any) -> MoleBlendConfig:
    r"""The configuration of an encoder; for one that has none, that of its ``channels``.

    Raises:
        ValueError: If it has neither ``config`` nor ``channels``.
    """
    config = getattr(encoder, "config", None)
    if isinstance(config, MoleBlendConfig):
        return config
    channels = getattr(encoder, "channels", None)
    if type(channels) is not int:
        raise ValueError(
            f"the encoder {type(encoder).__name__} must have `config`, a MoleBlendConfig, or `channels`, the width of "
            f"its states, got {channels!r}"
        )
    return MoleBlendConfig(channels=channels, heads=1)
