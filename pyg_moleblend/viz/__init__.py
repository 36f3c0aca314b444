r"""Figures: by matplotlib, and molecules as SVG by RDKit."""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.viz.attribution import draw_attribution
    from pyg_moleblend.viz.blend import plot_blend
    from pyg_moleblend.viz.distance_map import plot_distance_maps
    from pyg_moleblend.viz.learning_curves import plot_learning_curves
    from pyg_moleblend.viz.recovery import plot_recovery

__all__ = ["draw_attribution", "plot_blend", "plot_distance_maps", "plot_learning_curves", "plot_recovery"]

export_lazily(__name__)
