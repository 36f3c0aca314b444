r"""Evaluators with OGB's treatment of missing labels."""

from pyg_moleblend.metrics.evaluator import Evaluator, Score
from pyg_moleblend.metrics.scores import METRICS, Metric, TaskType

__all__ = ["METRICS", "Evaluator", "Metric", "Score", "TaskType"]
