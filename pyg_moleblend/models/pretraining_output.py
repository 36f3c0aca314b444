from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from pyg_moleblend.nn import Blend, Quality


class PretrainingStep(NamedTuple):
    r"""What training needs of one step of blend-then-predict.

    Attributes:
        loss: Weighted sum of the losses, scalar.
        losses: Loss of each objective by name, scalars.
        qualities: Quality of each objective by name, without gradient.
        blend: The blend that was predicted from; give it back to replay the step.
    """

    loss: Tensor
    losses: dict[str, Tensor]
    qualities: dict[str, Quality]
    blend: Blend


class PretrainingOutput(NamedTuple):
    r"""What one step of blend-then-predict gives, with the predictions.

    Attributes:
        loss: Weighted sum of the losses, scalar.
        losses: Loss of each objective by name, scalars.
        predictions: Prediction of each objective by name.
        qualities: Quality of each objective by name, without gradient.
        blend: The blend that was predicted from; give it back to replay the step.
    """

    loss: Tensor
    losses: dict[str, Tensor]
    predictions: dict[str, Tensor]
    qualities: dict[str, Quality]
    blend: Blend
