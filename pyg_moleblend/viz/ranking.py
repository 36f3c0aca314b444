from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from pyg_moleblend.viz.parity import COLOURS, Values


def draw_roc(axis: Axes, parts: Mapping[str, tuple[Values, Values]]) -> None:
    r"""True positives against false positives, at every threshold.

    Args:
        axis: Where to.
        parts: By name of a part, labels ``[M]``, 0 and 1, both among them, and probabilities ``[M]``.
    """
    for name, (labels, predictions) in parts.items():
        wrong, right, _ = roc_curve(labels, predictions)
        text = f"{name}: ROC-AUC {roc_auc_score(labels, predictions):.3f}"
        axis.plot(wrong, right, color=COLOURS.get(name, "C2"), label=text)
    axis.plot((0, 1), (0, 1), color="0.3", linewidth=1)
    axis.set(xlabel="false positive rate", ylabel="true positive rate")
    axis.legend(frameon=False, fontsize="small", loc="lower right")


def draw_precision_recall(axis: Axes, parts: Mapping[str, tuple[Values, Values]]) -> None:
    r"""Precision against recall, at every threshold; dashed is the share of positives. Arguments as for ROC."""
    for name, (labels, predictions) in parts.items():
        precision, recall, _ = precision_recall_curve(labels, predictions)
        text = f"{name}: PR-AUC {average_precision_score(labels, predictions):.3f}"
        axis.plot(recall, precision, color=COLOURS.get(name, "C2"), label=text)
        axis.axhline(float(labels.mean()), color=COLOURS.get(name, "C2"), linewidth=1, linestyle="--")
    axis.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02))
    axis.legend(frameon=False, fontsize="small", loc="lower left")


def draw_reliability(axis: Axes, parts: Mapping[str, tuple[Values, Values]], bins: int = 8) -> None:
    r"""How often a probability comes true. Arguments as for ROC.

    Args:
        axis: Where to.
        parts: As there.
        bins: Points of a curve, of equally many molecules each.
    """
    for name, (labels, predictions) in parts.items():
        true, said = calibration_curve(labels, predictions, n_bins=min(bins, len(labels)), strategy="quantile")
        axis.plot(said, true, marker=".", color=COLOURS.get(name, "C2"), label=name)
    axis.plot((0, 1), (0, 1), color="0.3", linewidth=1)
    axis.set(xlabel="probability", ylabel="share of positives")
    axis.legend(frameon=False, fontsize="small", loc="upper left")


def has_both_classes(labels: Values) -> bool:
    r"""Whether there is something to rank."""
    return len(np.unique(labels)) == 2
