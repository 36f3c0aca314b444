r"""What stands in ``X``: molecules in whichever form, a row each, and what a model makes of them."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rdkit import Chem
from scipy import sparse
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.conformers import add_missing_conformers
from pyg_moleblend.datasets.recipe import Recipe, check_recipe
from pyg_moleblend.inference.loaded_model import MAX_ATOMS, LoadedModel, table_of
from pyg_moleblend.utils import Modality

EXPECTED = "`X` must be a list or one column of SMILES, of RDKit molecules, or of PyG `Data`"

_SHOWN = 5


class Computed(NamedTuple):
    r"""What a model gives for the rows of ``X``.

    Attributes:
        values: ``[M, F]``; NaN in the rows that are no molecule.
        lost: Which rows these are, and why; empty if there are none.
    """

    values: NDArray[Any]
    lost: str


def rows_of(X: Any) -> list[Any]:
    r"""The M rows of ``X``: SMILES, RDKit molecules and missing values, or ``Data`` alone.

    Raises:
        ValueError: If ``X`` is none of :data:`EXPECTED`, or is empty.
    """
    if isinstance(X, (str, Path, Mapping, Data, Chem.Mol)) or (not hasattr(X, "__len__") and not hasattr(X, "shape")):
        raise ValueError(f"{EXPECTED}, got {type(X).__name__} {str(X)[:40]!r}; one molecule is a list of one")
    if sparse.issparse(X):
        raise ValueError(f"{EXPECTED}, got a sparse matrix of numbers")
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1:
        if len(shape) != 2 or shape[1] != 1:
            raise ValueError(f"{EXPECTED}, got {type(X).__name__} of shape {list(shape)}; give the molecules' column")
        X = X.iloc[:, 0] if isinstance(X, pd.DataFrame) else np.asarray(X)[:, 0]
    rows = list(X)
    if not rows:
        raise ValueError(f"{EXPECTED}, got none (0 rows)")
    graphs = isinstance(rows[0], Data)
    for number, row in enumerate(rows):
        if isinstance(row, Data) != graphs or not (graphs or isinstance(row, (str, Chem.Mol)) or _is_missing(row)):
            raise ValueError(f"{EXPECTED}, got a {type(row).__name__} in row {number}")
    return rows


def _is_missing(row: Any) -> bool:
    return row is None or row is pd.NA or (isinstance(row, float) and np.isnan(row))


def labelled_molecules(
    rows: Sequence[Any], labels: NDArray[np.float64], recipe: Recipe | None, modality: Modality, seed: int
) -> Any:
    r"""The rows as molecules to train on, a dataset or a list of ``Data``, in their order.

    Args:
        rows: Those of :func:`rows_of`; ``Data`` are taken as they are.
        labels: Their ``y``, ``[M, T]``; NaN where there is none.
        recipe: How the molecules that an encoder has learnt from became graphs.
        modality: If 3D is among it, molecules without coordinates get a conformer.
        seed: Of the conformers.

    Raises:
        ValueError: If a row is no molecule, has no conformer and nothing else is used, or ``Data`` have other hydrogens
            than the recipe's.
    """
    if isinstance(rows[0], Data):
        check_recipe(recipe, rows)
        return [_with_labels(row, y) for row, y in zip(rows, torch.from_numpy(labels), strict=True)]
    names = [f"target_{number}" for number in range(labels.shape[1])]
    frame = pd.DataFrame({"smiles": pd.Series(rows, dtype=object), **dict(zip(names, labels.T, strict=True))})
    hydrogens = (recipe or Recipe()).hydrogens
    table = MoleculeTable(frame, "smiles", names, None, "keep", hydrogens, progress=False, max_atoms=MAX_ATOMS)
    if table.failures:
        lost = _report([(failure.row, failure.input, failure.reason) for failure in table.failures], len(rows))
        raise ValueError(f"{lost}. Correct them, or leave them out of `X` and `y`")
    if "3d" not in modality:
        return table
    found = add_missing_conformers(table, seed)
    if found.failures and modality == "3d":
        lost = _report([(row, table.smiles[row], cause) for row, cause in found.failures.items()], len(rows))
        raise ValueError(f"{lost}. Leave them out of `X` and `y`, or take the modality '2d+3d'")
    return found.molecules


def _with_labels(data: Data, y: Tensor) -> Data:
    data = copy.copy(data)
    data.y = y[None]
    return data


def compute_rows(model: LoadedModel, module: nn.Module, rows: Sequence[Any]) -> Computed:
    r"""What a model gives for rows, in their order.

    Args:
        model: The model.
        module: What it computes with, which is on the CPU again afterwards.
        rows: Those of :func:`rows_of`; ``Data`` are taken as they are, and the others are read with the model's
            hydrogens.

    Raises:
        ValueError: If ``Data`` have other hydrogens than the model has learnt from.
    """
    try:
        if isinstance(rows[0], Data):
            check_recipe(model.recipe, rows)
            return Computed(model.values_of(rows).to(model.dtype).numpy(), "")
        table: MoleculeTable = table_of(rows, model.recipe, MAX_ATOMS)
        frame = model.of_table(table)
    finally:
        module.cpu()
    values = frame[model.columns].to_numpy()
    lost = np.isnan(values).any(1)
    return Computed(values, _report(list(frame[["smiles", "status"]][lost].itertuples(name=None)), len(rows)))


def warn_of(computed: Computed) -> NDArray[Any]:
    r"""The values, with a warning of the rows that have none."""
    if computed.lost:
        warnings.warn(f"{computed.lost}. They have NaN", stacklevel=3)
    return computed.values


def _report(lost: Sequence[tuple[int, str, str]], count: int) -> str:
    if not lost:
        return ""
    shown = "; ".join(f"row {row}, {text!r}: {reason}" for row, text, reason in lost[:_SHOWN])
    more = f"; and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    return f"{len(lost)} of {count} rows of `X` cannot be read: {shown}{more}"
