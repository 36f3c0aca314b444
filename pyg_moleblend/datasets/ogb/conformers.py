r"""Conformers for graphs that were not made from their SMILES: found for these, put onto those."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from pyg_moleblend.chem import MoleculeGraph
from pyg_moleblend.chem.match import match_atoms
from pyg_moleblend.datasets.io.reading import Reading

_ELEMENT = 0


def put_conformers(reading: Reading, found: Reading) -> Reading:
    r"""Gives graphs the coordinates that were found for their SMILES.

    The atoms of a graph and of its SMILES stand in one order as a rule: OGB made its graphs from the SMILES. Where
    elements or bonds say that they do not, their order is found by matching. A molecule whose SMILES cannot be read, or
    is of another molecule, stays 2D, and ``conformer_errors`` says so.

    Args:
        reading: The graphs: a molecule a row, none missing.
        found: What was read of their SMILES, with conformers, rows numbered as the graphs'.
    """
    positions = found.graphs.pos[:, None] if found.conformers is None else found.conformers
    total, count = len(reading.graphs.x), positions.shape[1]
    several = np.full((total, count, 3), np.nan, dtype=np.float32)  # [ΣN, K, 3]
    errors = dict(found.conformer_errors)
    errors.update({row: f"its SMILES cannot be read: {reason}" for row, _, reason in found.failures})
    theirs = list(reading.graphs.each())
    for row, ours in zip(found.rows.tolist(), found.graphs.each(), strict=True):
        order = _order(theirs[row], ours)
        if order is None:
            errors[row] = "its SMILES is not of the molecule that its graph is"
        else:
            several[theirs[row].atoms] = positions[ours.atoms][order]
    fields = {"conformers": several} if count > 1 else {}
    graphs = reading.graphs._replace(pos=np.ascontiguousarray(several[:, 0]), fields=fields)
    return reading._replace(graphs=graphs, conformer_errors=errors)


def _order(graph: MoleculeGraph, other: MoleculeGraph) -> NDArray[np.int64] | None:
    r"""For each atom of a graph its atom in another of the same molecule."""
    elements, other_elements = graph.x[:, _ELEMENT], other.x[:, _ELEMENT]
    if np.array_equal(elements, other_elements) and np.array_equal(graph.edge_index, other.edge_index):
        return np.arange(len(elements))
    one, another = (
        Data(
            x=torch.from_numpy(molecule.x),
            edge_index=torch.from_numpy(molecule.edge_index),
            edge_attr=torch.from_numpy(molecule.edge_attr),
        )
        for molecule in (graph, other)
    )
    match = match_atoms(one, another)
    return None if match is None else match.numpy()
