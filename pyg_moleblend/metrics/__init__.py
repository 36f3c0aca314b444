r"""Scores of predictions with OGB's treatment of missing labels, and the task that a model's outputs are for.

``evaluator.py`` has the metrics, ``task.py`` what a model predicts and in which units, ``ogb.py`` what OGB's own
package wants. Add a metric to ``METRICS``. Nothing here runs a model: that is :mod:`pyg_moleblend.inference`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.metrics.evaluator import METRICS, Evaluator, Metric, Score, TaskType
    from pyg_moleblend.metrics.task import Task

__all__ = ["METRICS", "Evaluator", "Metric", "Score", "Task", "TaskType"]

export_lazily(__name__)
