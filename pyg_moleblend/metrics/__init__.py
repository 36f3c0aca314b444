r"""Evaluators with OGB's treatment of missing labels, and the task that a model's outputs are for."""

from pyg_moleblend.metrics.evaluator import METRICS, Evaluator, Metric, Score, TaskType
from pyg_moleblend.metrics.task import Task

__all__ = ["METRICS", "Evaluator", "Metric", "Score", "Task", "TaskType"]
