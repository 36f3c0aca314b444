from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor


def plot_distance_maps(true: Tensor, recovered: Tensor, title: str = "") -> Figure:
    r"""True and recovered distances of one molecule side by side, on one colour scale, and their difference.

    Args:
        true: Distances in Å, ``[N, N]``.
        recovered: Distances in Å, ``[N, N]``.
        title: Title of the figure, the molecule's SMILES say. (default: :obj:`""`)

    Returns:
        The figure; ``figure.savefig(path)`` writes it.

    Raises:
        ValueError: If the two are not square matrices of one size.
    """
    if true.dim() != 2 or true.size(0) != true.size(1) or true.shape != recovered.shape:
        raise ValueError(f"expected two [N, N] matrices, got {list(true.shape)} and {list(recovered.shape)}")
    matrices = [_array(true), _array(recovered)]
    apart = ~np.eye(len(matrices[0]), dtype=bool)  # an atom's distance to itself is not recovered
    error = np.where(apart, matrices[1] - matrices[0], 0.0)
    mae = float(np.abs(error[apart]).mean()) if apart.any() else 0.0
    highest = float(max(matrix.max(initial=0.0) for matrix in matrices)) or 1.0
    widest = float(np.abs(error).max(initial=0.0)) or 1.0

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots(1, 3)
    panels = zip(("true", "recovered", f"recovered − true, MAE {mae:.2f} Å"), [*matrices, error], strict=True)
    for axis, (name, matrix) in zip(axes, panels, strict=True):
        scale = (
            {"cmap": "coolwarm", "vmin": -widest, "vmax": widest} if matrix is error else {"vmin": 0, "vmax": highest}
        )
        image = axis.imshow(matrix, **scale)
        axis.set(title=name, xlabel="atom", ylabel="atom")
        figure.colorbar(image, ax=axis, label="Å")
    figure.suptitle(title)
    return figure


def _array(values: Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().double().numpy()
