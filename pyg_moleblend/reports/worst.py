r"""The molecules that a model is most wrong about, drawn."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
from rdkit.Chem.Draw import rdMolDraw2D

from pyg_moleblend.chem import MoleculeError, parse_smiles
from pyg_moleblend.metrics import TaskType

SHOWN = 8
_ORDER = ("test", "valid", "folds")
_SIZE = 240, 170


class WorstMolecule(NamedTuple):
    r"""A molecule with a large error.

    Attributes:
        part: Of the split.
        smiles: What it is.
        label: Its label.
        prediction: What was predicted.
        drawing: SVG; empty where RDKit cannot draw it.
    """

    part: str
    smiles: str
    label: float
    prediction: float
    drawing: str


def worst_molecules(known: pd.DataFrame, kind: TaskType) -> list[WorstMolecule]:
    r"""Molecules with the largest absolute errors, the largest first, of the test part or, without one, of the next.

    Args:
        known: ``part``, ``smiles``, ``label`` and ``prediction`` of molecules with a label.
        kind: What the labels are; the error of a class is what its probability lacks to 1.
    """
    part = next((name for name in _ORDER if (known["part"] == name).any()), None)
    own = known[known["part"] == part]
    order = (own["label"] - own["prediction"]).abs().sort_values(ascending=False, kind="stable").index[:SHOWN]
    rows = own.loc[order, ["smiles", "label", "prediction"]].itertuples(index=False)
    return [WorstMolecule(str(part), str(s), float(y), float(p), draw_molecule(str(s))) for s, y, p in rows]


def draw_molecule(smiles: str) -> str:
    r"""A molecule as SVG; empty where RDKit cannot draw it."""
    try:
        mol = parse_smiles(smiles)
        drawer: Any = rdMolDraw2D.MolDraw2DSVG(*_SIZE)
        drawer.drawOptions().clearBackground = False
        drawer.drawOptions().bondLineWidth = 1
        rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
        drawer.FinishDrawing()
    except (MoleculeError, RuntimeError, ValueError):
        return ""
    text: str = drawer.GetDrawingText()
    return text[text.index("<svg") :]
