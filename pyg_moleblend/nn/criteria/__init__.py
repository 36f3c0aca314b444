r"""How labels are distributed about predictions, one criterion a file: its loss, and what of a model's outputs is mean,
standard deviation and interval.

Which labels count, and how much, is said by who calls them: :mod:`pyg_moleblend.training`.
"""

from pyg_moleblend.nn.criteria.base import Criterion
from pyg_moleblend.nn.criteria.bce import BCE
from pyg_moleblend.nn.criteria.evidential import Evidential
from pyg_moleblend.nn.criteria.focal import Focal
from pyg_moleblend.nn.criteria.gaussian import Gaussian
from pyg_moleblend.nn.criteria.huber import Huber
from pyg_moleblend.nn.criteria.mae import MAE
from pyg_moleblend.nn.criteria.mse import MSE
from pyg_moleblend.nn.criteria.quantile import Quantile

__all__ = ["BCE", "MAE", "MSE", "Criterion", "Evidential", "Focal", "Gaussian", "Huber", "Quantile"]
