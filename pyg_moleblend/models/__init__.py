r"""Whole models: the encoder; pretraining, property prediction and embedding on top of it, what a batch costs.

The parts that they are composed of are next door, in :mod:`pyg_moleblend.nn`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.models.config import MoleBlendConfig
    from pyg_moleblend.models.cost import estimate_flops, estimate_memory
    from pyg_moleblend.models.embedding import MoleBlendForEmbedding
    from pyg_moleblend.models.explainable import Explainable
    from pyg_moleblend.models.integrated_gradients import IntegratedGradients, integrated_gradients
    from pyg_moleblend.models.memory import check_memory
    from pyg_moleblend.models.moleblend import (
        DenseEncoderOutput,
        EncoderOutput,
        MoleBlend,
        default_relations,
    )
    from pyg_moleblend.models.pretraining import MoleBlendForPretraining, default_objectives
    from pyg_moleblend.models.pretraining_output import PretrainingOutput, PretrainingStep
    from pyg_moleblend.models.property_prediction import MoleBlendForPropertyPrediction
    from pyg_moleblend.nn import Blend

__all__ = [
    "Blend",
    "DenseEncoderOutput",
    "EncoderOutput",
    "Explainable",
    "IntegratedGradients",
    "MoleBlend",
    "MoleBlendConfig",
    "MoleBlendForEmbedding",
    "MoleBlendForPretraining",
    "MoleBlendForPropertyPrediction",
    "PretrainingOutput",
    "PretrainingStep",
    "check_memory",
    "default_objectives",
    "default_relations",
    "estimate_flops",
    "estimate_memory",
    "integrated_gradients",
]

export_lazily(__name__)
