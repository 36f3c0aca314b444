r"""Evaluators with OGB's treatment of missing labels, and the task that a model's outputs are for."""

from pyg_moleblend.metrics.evaluator import Evaluator, Score
from pyg_moleblend.metrics.scores import METRICS, Metric, TaskType
from pyg_moleblend.metrics.task import Task

__all__ = ["METRICS", "Evaluator", "Metric", "Score", "Task", "TaskType"]
