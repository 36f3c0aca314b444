from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from torch import nn

from pyg_moleblend.training.settings import Schedule

_LAYER = re.compile(r"encoder\.layers\.(\d+)\.")


def parameter_groups(model: nn.Module, schedule: Schedule) -> list[dict[str, Any]]:
    r"""The model's weights by their highest learning rate, for an optimizer.

    The encoder's last layer has ``learning_rate * layer_decay``, each layer below it the ``layer_decay``-fold of that,
    and what enters the first that of a layer below it (Clark et al. 2020, arXiv 2003.10555, appendix B). All that is
    not the encoder has ``head_learning_rate``.

    Args:
        model: The model; what its names call ``encoder`` is the encoder.
        schedule: How it is optimised.

    Raises:
        ValueError: If rates are to differ by layer, and the encoder has no ``layers``.
    """
    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    if 0 < schedule.layer_decay < 1 and not any(map(_LAYER.match, names)):
        raise ValueError("the encoder has no `layers` whose learning rates could differ: leave `layer_decay` out")
    depth = 1 + max((int(found[1]) for name in names if (found := _LAYER.match(name))), default=0)
    rates: dict[float, list[nn.Parameter]] = defaultdict(list)
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            rates[_rate(name, depth, schedule)].append(weight)
    return [{"params": weights, "lr": rate} for rate, weights in rates.items()]


def _rate(name: str, depth: int, schedule: Schedule) -> float:
    if not name.startswith("encoder."):
        return schedule.head_learning_rate or schedule.learning_rate
    layer = _LAYER.match(name)
    return schedule.learning_rate * schedule.layer_decay ** (depth - int(layer[1]) if layer else depth + 1)
