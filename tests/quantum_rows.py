r"""Rows with labels that are drawn, not computed: for tests of files."""

import numpy as np
from rdkit import Chem

from pyg_moleblend.chem.quantum import PROPERTIES, QuantumLabels
from pyg_moleblend.datasets.quantum.part import Labelled

SMILES = ["CC(=O)Nc1ccccc1", "C", "[Na+].[Cl-]", "C1CC1C#N", "OCC"]


def drawn_labels(smiles: str, seed: int = 0) -> QuantumLabels:
    rng = np.random.default_rng(seed)
    size = Chem.MolFromSmiles(smiles).GetNumAtoms()
    orders = np.triu(rng.uniform(0, 3, (size, size)), 1)
    return QuantumLabels(rng.normal(0, 10, len(PROPERTIES)), rng.normal(0, 0.3, (size, 2)), orders + orders.T, "")


def drawn_rows() -> list[Labelled]:
    r"""Labels of :data:`SMILES`, and a failure before the last."""
    rows = [Labelled(smiles, drawn_labels(smiles, number), "") for number, smiles in enumerate(SMILES)]
    return [*rows[:-1], Labelled("C(", None, "syntax error"), rows[-1]]
