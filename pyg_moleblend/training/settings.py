r"""How long, how fast and on what a model is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Strategy = Literal["auto", "ddp", "fsdp"]

_MOST = 2**31 - 1  # of what is counted


@dataclass(frozen=True)
class Schedule:
    r"""How a model is optimised: Adam, linear warm-up, then a cosine to zero, gradients clipped.

    The defaults of clipping and of Adam are the published ones (arXiv 2307.06235, section 4.1).

    Args:
        epochs: Passes over the training molecules.
        steps: Updates, the warm-up included; when they are given they count, not the epochs.
        batch_size: Molecules of a batch, on each device; an update's gradient is of the mean over the labels, pairs
            and atoms of all devices' batches.
        accumulate: Batches of an update.
        learning_rate: The highest learning rate.
        warmup: Updates until it is reached; below 1, their share of all updates.
        weight_decay: Decoupled weight decay, as the release's optimizer has it; 0 is plain Adam.
        clip_norm: Largest norm of an update's gradient.
        max_pairs: Most padded pairs of atoms ``B * N²`` of a batch, against running out of memory; no limit by
            default.
        ema_decay: Decay of an exponential moving average of the weights over the updates, 0.999 say, which is then what
            is validated and kept; by default there is none.
        layer_decay: What the learning rate of a layer of the encoder is to that of the next one, and the last one's to
            ``learning_rate``; 1 is one rate for all, 0 leaves the encoder as it is.
        head_learning_rate: The highest learning rate of what is not the encoder; ``learning_rate`` by default.

    Raises:
        ValueError: If a value is out of its range.
    """

    epochs: int = 10
    steps: int | None = None
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 1e-4
    warmup: float = 0.1
    weight_decay: float = 0.0
    clip_norm: float = 5.0
    max_pairs: int | None = None
    ema_decay: float | None = None
    layer_decay: float = 1.0
    head_learning_rate: float | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "batch_size", "accumulate", "max_pairs"):
            value = getattr(self, name)
            wanted = value is not None or name not in ("steps", "max_pairs")
            if wanted and not (isinstance(value, int) and 1 <= value <= _MOST):
                raise ValueError(f"`{name}` must be a whole number from 1 to {_MOST}, got {value}")
        for name in ("learning_rate", "clip_norm"):
            if not (_is_number(getattr(self, name)) and 0 < getattr(self, name) < math.inf):
                raise ValueError(f"`{name}` must be positive and finite, got {getattr(self, name)}")
        for name in ("warmup", "weight_decay"):
            if not (_is_number(getattr(self, name)) and 0 <= getattr(self, name) < math.inf):
                raise ValueError(f"`{name}` must be finite and not negative, got {getattr(self, name)}")
        if not (_is_number(self.layer_decay) and 0 <= self.layer_decay <= 1):
            raise ValueError(f"`layer_decay` must be from 0 to 1, got {self.layer_decay}")
        head = self.head_learning_rate
        if head is not None and not (_is_number(head) and 0 < head < math.inf):
            raise ValueError(f"`head_learning_rate` must be positive and finite, got {head}")
        if self.ema_decay is not None and not (_is_number(self.ema_decay) and 0 < self.ema_decay < 1):
            raise ValueError(f"`ema_decay` must lie between 0 and 1, got {self.ema_decay}")

    def warmup_steps(self, total: int) -> int:
        r"""Updates of warm-up when there are ``total`` of them."""
        return round(self.warmup * total if self.warmup < 1 else self.warmup)


@dataclass(frozen=True)
class Machine:
    r"""What a run uses of the machine.

    Args:
        accelerator: Lightning's name of it: ``"auto"``, ``"cpu"``, ``"gpu"``.
        devices: How many of each node; ``"auto"`` is all of them.
        precision: Lightning's name: ``"32-true"``, ``"bf16-mixed"``.
        num_workers: Processes that collate batches.
        compile: Whether the model's dense core is compiled; worth its minutes on a GPU.
        activation_checkpointing: Whether the attention bias, and what lies between the layers' linear maps, is computed
            again in the backward pass, not kept: less memory for more time, see ``docs/scaling.md``.
        progress: Whether to show a progress bar and a line an epoch.
        strategy: How several devices share the work: ``"ddp"``, each with the whole model, or ``"fsdp"``, each with a
            part of weights, gradients and optimizer; ``"auto"`` is DDP where there are several.
        num_nodes: How many computers.
        checkpoint_minutes: How often a run is saved within an epoch.
        checkpoint_steps: The same in updates; when they are given they count, not the minutes.
        max_minutes: Minutes of training after which a run is saved and ends, with exit code 75, to be resumed; no limit
            by default.

    Raises:
        ValueError: If a value is out of its range.
    """

    accelerator: str = "auto"
    devices: int | str = "auto"
    precision: str = "32-true"
    num_workers: int = 0
    compile: bool = False
    activation_checkpointing: bool = False
    progress: bool = True
    strategy: Strategy = "auto"
    num_nodes: int = 1
    checkpoint_minutes: float = 15.0
    checkpoint_steps: int | None = None
    max_minutes: float | None = None

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            raise ValueError(f"`strategy` must be one of {get_args(Strategy)}, got {self.strategy!r}")
        if not (isinstance(self.num_nodes, int) and self.num_nodes >= 1):
            raise ValueError(f"`num_nodes` must be at least 1, got {self.num_nodes}")
        if not (_is_number(self.checkpoint_minutes) and 0 < self.checkpoint_minutes <= _MOST):
            raise ValueError(
                f"`checkpoint_minutes` must be positive, and at most {_MOST}, got {self.checkpoint_minutes}"
            )
        if not (isinstance(self.num_workers, int) and self.num_workers >= 0):
            raise ValueError(f"`num_workers` must not be negative, got {self.num_workers}")
        minutes = self.max_minutes
        if minutes is not None and not (_is_number(minutes) and 0 < minutes <= _MOST):
            raise ValueError(f"`max_minutes` must be positive, and at most {_MOST}, got {minutes}")
        steps = self.checkpoint_steps
        if steps is not None and not (isinstance(steps, int) and steps >= 1):
            raise ValueError(f"`checkpoint_steps` must be at least 1, got {self.checkpoint_steps}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


FINE_TUNING = Schedule(epochs=40, learning_rate=5e-4)
r"""The schedule of fine-tuning where none is given, with :data:`PATIENCE`, for some hundred to some thousand labels."""

PATIENCE = 10
r"""Epochs without a better validation before fine-tuning stops."""

ENCODER = "moleblend-tiny"
r"""The packaged encoder that fine-tuning and quick models start from where none is named."""
