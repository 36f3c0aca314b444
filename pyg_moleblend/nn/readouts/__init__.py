r"""From the encoder's output to one vector a molecule, one readout a file.

The head that makes properties of the vector is :class:`~pyg_moleblend.models.MoleBlendForPropertyPrediction`'s.
"""

from pyg_moleblend.nn.readouts.base import Readout
from pyg_moleblend.nn.readouts.environment import EnvironmentReadout
from pyg_moleblend.nn.readouts.graph_token import GraphTokenReadout
from pyg_moleblend.nn.readouts.joined import JoinedReadout
from pyg_moleblend.nn.readouts.pooled import PooledReadout

__all__ = ["EnvironmentReadout", "GraphTokenReadout", "JoinedReadout", "PooledReadout", "Readout"]
