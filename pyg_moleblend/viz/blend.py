from __future__ import annotations

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDepictor

from pyg_moleblend.chem import from_mol
from pyg_moleblend.nn import Blending, PairBlending
from pyg_moleblend.utils import pack

MAPS = {
    "spd": ("shortest path", "Blues"),
    "bond_path": ("bonds on the path", "Oranges"),
    "distance": ("3D distance", "Greens"),
}
_RELATIONS = {"spd": "2d", "bond_path": "2d", "distance": "3d"}
_DARK = 0.25, 0.85  # the part of each colour map that is used
_ELEMENTS = {"O": "#d62728", "N": "#1f77b4", "S": "#bcbd22", "F": "#2ca02c", "Cl": "#2ca02c"}


def plot_blend(mol: Chem.Mol, blending: Blending | None = None, seed: int = 0) -> Figure:
    r"""A molecule, the paper's three relations between its atoms, and one draw that blends them: what pretraining gives
    to the encoder, and the relations that it has to recover.

    Args:
        mol: A molecule with a conformer.
        blending: Draws which relation enters for each pair; the paper's blending by default.
        seed: Of the draw. (default: :obj:`0`)

    Returns:
        The figure; ``figure.savefig(path)`` writes it.

    Raises:
        ValueError: If the molecule has no 3D conformer.
    """
    if not any(conformer.Is3D() for conformer in mol.GetConformers()):
        raise ValueError(
            f"{Chem.MolToSmiles(mol)} has no 3D conformer: add one (AddConformer, or RDKit's EmbedMolecule)"
        )
    molecules = pack(from_mol(mol))
    drawn = (blending or PairBlending()).draw(molecules, _RELATIONS, torch.Generator().manual_seed(seed))
    chosen = drawn.relation[0].numpy()
    values = {
        "spd": molecules.pairs["spd"][0].double().numpy(),
        "bond_path": _bonds_on_path(molecules.pairs["bond_path"][0].numpy()),
        "distance": torch.cdist(molecules.pos[0].double(), molecules.pos[0].double()).numpy(),
    }
    figure = Figure(figsize=(13, 2.9), layout="constrained")
    axes = figure.subplots(1, 5)
    _draw_molecule(axes[0], mol)
    images = {name: _coloured(values[name], MAPS[name][1]) for name in MAPS}
    for axis, (name, image) in zip(axes[1:4], images.items(), strict=True):
        axis.imshow(image)
        axis.set_title(MAPS[name][0], fontsize="medium")
    blended = np.ones_like(images["spd"])
    for number, image in enumerate(images.values()):
        blended[chosen == number] = image[chosen == number]
    axes[4].imshow(blended)
    axes[4].set_title("blended: one relation a pair", fontsize="medium")
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def _bonds_on_path(classes: NDArray[np.int64]) -> NDArray[np.float64]:
    r"""One number for the bonds along each path ``[N, N]``: which class the first has."""
    first = np.unique(classes[..., 0], return_inverse=True)[1].reshape(classes.shape[:2])
    return first.astype(np.float64)


def _coloured(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    low, high = _DARK
    scaled = low + (high - low) * values / (values.max() or 1.0)
    coloured: NDArray[np.float64] = colormaps[name](scaled)[..., :3]
    return coloured


def _draw_molecule(axis: Axes, mol: Chem.Mol) -> None:
    flat = Chem.RemoveHs(mol)
    rdDepictor.Compute2DCoords(flat)
    places = flat.GetConformer().GetPositions()[:, :2]
    for bond in flat.GetBonds():
        ends = places[[bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()]]
        axis.plot(*ends.T, color="0.4", linewidth=1 + bond.GetBondTypeAsDouble(), solid_capstyle="round", zorder=1)
    for atom, (x, y) in zip(flat.GetAtoms(), places, strict=True):
        symbol = atom.GetSymbol()
        axis.scatter(x, y, s=110, color="white" if symbol != "C" else "0.4", zorder=2)
        if symbol != "C":
            axis.text(
                x,
                y,
                symbol,
                ha="center",
                va="center",
                color=_ELEMENTS.get(symbol, "0.2"),
                weight="bold",
                family="sans-serif",
                zorder=3,
            )
    axis.set_aspect("equal")
    axis.margins(0.12)
