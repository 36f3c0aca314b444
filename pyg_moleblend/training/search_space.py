from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from pyg_moleblend.models import MoleBlend, MoleBlendConfig
from pyg_moleblend.models.config import DROPOUTS
from pyg_moleblend.training.settings import Schedule

HEAD_RATIO = "head_ratio"
WHOLE = ("batch_size", "accumulate")
FIELDS = ("learning_rate", "layer_decay", "weight_decay", "warmup", "clip_norm", *WHOLE)
r"""Fields of :class:`~pyg_moleblend.training.Schedule` that can be searched."""

Words = Mapping[str, Any]

DEFAULT_SPACE: Words = {
    "learning_rate": [1e-5, 1e-3],
    HEAD_RATIO: [1.0, 10.0],
    "layer_decay": [0.6, 1.0],
    "weight_decay": [1e-5, 0.1],
    "batch_size": [16, 32, 64],
    "dropout": [0.0, 0.3],
}


@dataclass(frozen=True)
class SearchSpace:
    r"""Settings of fine-tuning, and from what each is drawn.

    Args:
        ranges: The lowest and the highest value of a setting; it is drawn by its logarithm where the highest is at
            least ten times the lowest.
        choices: The values of a setting that are tried.

    Raises:
        ValueError: If there is no such setting, or it cannot have such a value.
    """

    ranges: Mapping[str, tuple[float, float]]
    choices: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        if not (self.ranges or self.choices):
            raise ValueError("the search space is empty: name at least one setting")
        for name, values in {**self.ranges, **self.choices}.items():
            known = (*FIELDS, HEAD_RATIO, *DROPOUTS)
            if name not in known:
                raise ValueError(f"the search space can hold {', '.join(known)}, got {name!r}")
            for value in values:
                kind = "whole number" if name in WHOLE else "number"
                if isinstance(value, bool) or not isinstance(value, int if name in WHOLE else (int, float)):
                    raise ValueError(f"the search space needs a {kind} for {name}, got {value!r}")
                schedule_with(Schedule(), {name: value})
                encoder_with(MoleBlendConfig(), {name: value})
        for name, (low, high) in self.ranges.items():
            if not low < high:
                raise ValueError(f"the range of {name} must be from a lower to a higher value, got {low} and {high}")

    @classmethod
    def of(cls, words: Words) -> SearchSpace:
        r"""The space of ``{name: [low, high]}`` for a range, and of three or more values, or ``{choices: [...]}``, for
        choices.

        Raises:
            ValueError: If an entry is neither, or see above.
        """
        ranges, choices = {}, {}
        for name, entry in words.items():
            chosen = isinstance(entry, Mapping) and set(entry) == {"choices"}
            values = entry["choices"] if chosen else entry
            if not isinstance(values, Sequence) or isinstance(values, str) or len(values) < (1 if chosen else 2):
                raise ValueError(
                    f"{name} of the search space must be [low, high], three or more choices, or {{choices: [...]}}, "
                    f"got {entry!r}"
                )
            if len(values) == 2 and not chosen:
                ranges[name] = (values[0], values[1])
            else:
                choices[name] = tuple(values)
        return cls(ranges, choices)

    def draw(self, trial: Any) -> dict[str, float]:
        r"""The settings of a trial of Optuna's; those that it has already are kept."""
        drawn: dict[str, float] = {}
        for name, (low, high) in self.ranges.items():
            suggest = trial.suggest_int if name in WHOLE else trial.suggest_float
            drawn[name] = suggest(name, low, high, log=0 < 10 * low <= high)
        for name, values in self.choices.items():
            drawn[name] = trial.suggest_categorical(name, values)
        return drawn

    @property
    def names(self) -> list[str]:
        r"""Names of the settings, in the order in which they are drawn."""
        return [*self.ranges, *self.choices]

    def facts(self) -> dict[str, Any]:
        r"""The space as JSON."""
        return {"ranges": dict(self.ranges), "choices": dict(self.choices)}


def schedule_with(schedule: Schedule, settings: Mapping[str, float]) -> Schedule:
    r"""A schedule with the settings of a trial that are its fields; ``head_ratio`` times the learning rate is the
    head's."""
    fields: dict[str, Any] = {name: value for name, value in settings.items() if name in FIELDS}
    if HEAD_RATIO in settings:
        rate = fields.get("learning_rate", schedule.learning_rate)
        fields["head_learning_rate"] = rate * settings[HEAD_RATIO]
    return replace(schedule, **fields)


def encoder_with(encoder: nn.Module | MoleBlendConfig, settings: Mapping[str, float]) -> nn.Module | MoleBlendConfig:
    r"""An encoder, or a configuration, with the dropouts among the settings of a trial; what is given stays as it is.

    Raises:
        ValueError: If the dropouts of the encoder are fixed.
    """
    dropouts: dict[str, Any] = {name: value for name, value in settings.items() if name in DROPOUTS}
    if isinstance(encoder, MoleBlendConfig):
        return replace(encoder, **dropouts)
    if not dropouts:
        return encoder
    if not isinstance(encoder, MoleBlend):
        raise ValueError(
            f"the dropouts of a {type(encoder).__name__} are fixed: leave {sorted(dropouts)} out of the search space"
        )
    encoder = copy.deepcopy(encoder)
    encoder.set_dropouts(**dropouts)
    return encoder
