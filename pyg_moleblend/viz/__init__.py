r"""Figures, by matplotlib."""

from pyg_moleblend.viz.distance_map import plot_distance_maps
from pyg_moleblend.viz.learning_curves import plot_learning_curves
from pyg_moleblend.viz.recovery import plot_recovery

__all__ = ["plot_distance_maps", "plot_learning_curves", "plot_recovery"]
