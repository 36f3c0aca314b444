r"""Estimators of scikit-learn: a network that is fine-tuned, and an encoder's vectors as a transformer.

They are thin: :mod:`pyg_moleblend.training` trains and :mod:`pyg_moleblend.inference` predicts. What may be in ``X``
stands in ``rows.py``.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.estimators.classifier import MoleBlendClassifier
    from pyg_moleblend.estimators.embedder import MoleBlendEmbedder
    from pyg_moleblend.estimators.regressor import MoleBlendRegressor

__all__ = ["MoleBlendClassifier", "MoleBlendEmbedder", "MoleBlendRegressor"]

export_lazily(__name__)
