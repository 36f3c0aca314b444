r"""Forests as plain arrays, grown by scikit-learn and evaluated here."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier

from pyg_moleblend.metrics import TaskType

TREES = 100
TREES_OF_A_FOLD = 40
r"""Enough to say what a forest is worth."""

MAX_FEATURES = 0.2
r"""Share of the columns that each split may choose from; the usual square root is too few where most are empty."""

SPARSE_ROWS = 4000
r"""With more rows scikit-learn is given a sparse matrix, for which it is several times faster: most counts are 0."""

LEAF = -1


class Forest(NamedTuple):
    r"""The nodes of all trees, one after the other; a left child follows its parent.

    Attributes:
        starts: Root of each tree, and the number of all nodes at the end, int64 ``[trees + 1]``.
        feature: Column that a node looks at, −1 for a leaf, int32 ``[nodes]``.
        threshold: A row goes left where its value is not above it, float32 ``[nodes]``.
        right: Right child, counted from the tree's root, int32 ``[nodes]``.
        value: What a leaf says, float32 ``[nodes]``.
    """

    starts: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        r"""Mean over the trees for rows ``[M, D]``, ``[M]``."""
        total, every = np.zeros(len(rows)), np.arange(len(rows))
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            feature, threshold, right = self.feature[start:end], self.threshold[start:end], self.right[start:end]
            node, going = np.zeros(len(rows), dtype=np.int64), every
            while len(going := going[feature[node[going]] != LEAF]):
                at = node[going]
                left = rows[going, feature[at]] <= threshold[at]
                node[going] = np.where(left, at + 1, right[at])
            total += self.value[start:end][node]
        return total / max(len(self.starts) - 1, 1)

    def check(self, num_columns: int) -> None:
        r"""Raises a ``ValueError`` if a walk from a root might not end at a leaf.

        Args:
            num_columns: D, how many columns there are to look at.
        """
        nodes = len(self.feature)
        whole = all(len(values) == nodes for values in self[2:]) and nodes > 0
        whole = whole and self.starts[0] == 0 and self.starts[-1] == nodes and bool((np.diff(self.starts) > 0).all())
        if whole:
            place = np.arange(nodes) - np.repeat(self.starts[:-1], np.diff(self.starts))
            size = np.repeat(np.diff(self.starts), np.diff(self.starts))
            inner = self.feature != LEAF
            # Both children come after their parent, in the same tree.
            forward = (place + 1 < size) & (self.right > place) & (self.right < size)
            whole = bool((forward & (self.feature >= 0) & (self.feature < num_columns))[inner].all())
        if not whole:
            raise ValueError("the nodes of a forest are damaged")


def fit_forest(
    rows: NDArray[np.float32], targets: NDArray[np.float64], kind: TaskType, seed: int, trees: int = TREES
) -> Forest:
    r"""Grows a forest: random forests for classes, extremely randomised trees for values.

    Args:
        rows: ``[M, D]``.
        targets: Values, or −1 and 1, ``[M]``.
        kind: Of the task.
        seed: Of the trees.
        trees: How many.

    Returns:
        The forest; that of a classification gives the share of the positive class.
    """
    matrix = rows if len(rows) <= SPARSE_ROWS else _sparse(rows)
    if kind == "classification":
        positive = targets > 0
        if positive.all() or not positive.any():  # a fold may have seen but one class
            return _leaf(float(positive[0]))
        grown: Any = RandomForestClassifier(trees, max_features=MAX_FEATURES, random_state=seed)
        return forest_of(grown.fit(matrix, positive), column=1)
    grown = ExtraTreesRegressor(trees, max_features=MAX_FEATURES, random_state=seed)
    return forest_of(grown.fit(matrix, targets))


def forest_of(grown: Any, column: int = 0) -> Forest:
    r"""The arrays of a forest of scikit-learn.

    Args:
        grown: It, fitted to one target.
        column: Which of the classes' shares a leaf is to say, for a classification.
    """
    trees = [estimator.tree_ for estimator in grown.estimators_]
    sizes = [tree.node_count for tree in trees]
    for tree in trees:
        inner = np.flatnonzero(tree.children_left >= 0)
        if not np.array_equal(tree.children_left[inner], inner + 1):
            raise ValueError("this version of scikit-learn does not put a left child next to its parent")
    threshold = np.concatenate([tree.threshold for tree in trees])
    rounded = threshold.astype(np.float32)
    # A float32 is not above a float64 exactly where it is not above the next float32 below.
    rounded = np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return Forest(
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([np.where(tree.children_left < 0, LEAF, tree.feature) for tree in trees]).astype(np.int32),
        rounded,
        np.concatenate([tree.children_right for tree in trees]).astype(np.int32),
        np.concatenate([tree.value[:, 0, column] for tree in trees]).astype(np.float32),
    )


def _sparse(rows: NDArray[np.float32]) -> sparse.csc_array:
    columns = sparse.csc_array(rows)
    # scikit-learn's trees want 32 bits.
    columns.indices, columns.indptr = columns.indices.astype(np.int32), columns.indptr.astype(np.int32)
    return columns


def _leaf(value: float) -> Forest:
    r"""The forest that always says the same."""
    zero = np.zeros(1, dtype=np.float32)
    return Forest(
        np.array([0, 1]), np.array([LEAF], np.int32), zero, np.array([LEAF], np.int32), zero + np.float32(value)
    )
