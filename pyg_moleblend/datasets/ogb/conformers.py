r"""Conformers for graphs that were not made from their SMILES: found for these, put onto those."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from pyg_moleblend.chem import FlatGraphs
from pyg_moleblend.chem.match import match_atoms
from pyg_moleblend.datasets.io.reading import Reading

_ELEMENT = 0

Graph = tuple[slice, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


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
    theirs = list(_each(reading.graphs))
    for row, ours in zip(found.rows.tolist(), _each(found.graphs), strict=True):
        order = _order(theirs[row], ours)
        if order is None:
            errors[row] = "its SMILES is not of the molecule that its graph is"
        else:
            several[theirs[row][0]] = positions[ours[0]][order]
    graphs = reading.graphs._replace(pos=np.ascontiguousarray(several[:, 0]))
    return reading._replace(graphs=graphs, conformers=several if count > 1 else None, conformer_errors=errors)


def _order(graph: Graph, other: Graph) -> NDArray[np.int64] | None:
    r"""For each atom of a graph its atom in another of the same molecule."""
    (_, x, edges, attr), (_, other_x, other_edges, other_attr) = graph, other
    if np.array_equal(x[:, _ELEMENT], other_x[:, _ELEMENT]) and np.array_equal(edges, other_edges):
        return np.arange(len(x))
    one, another = (
        Data(x=torch.from_numpy(a), edge_index=torch.from_numpy(b), edge_attr=torch.from_numpy(c))
        for a, b, c in ((x, edges, attr), (other_x, other_edges, other_attr))
    )
    match = match_atoms(one, another)
    return None if match is None else match.numpy()


def _each(graphs: FlatGraphs) -> Iterator[Graph]:
    atom = edge = 0
    for num_atoms, num_edges in zip(graphs.num_atoms.tolist(), graphs.num_edges.tolist(), strict=True):
        atoms, edges = slice(atom, atom + num_atoms), slice(edge, edge + num_edges)
        yield atoms, graphs.x[atoms], graphs.edge_index[:, edges], graphs.edge_attr[edges]
        atom, edge = atom + num_atoms, edge + num_edges
