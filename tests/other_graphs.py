r"""Graphs in other forms than OGB's: those of PyG's own molecule datasets, and graphs that are no molecules."""

import torch
from torch_geometric.data import Data

ZINC_ATOMS, ZINC_BONDS = 28, 4
AQSOL_ATOMS, AQSOL_BONDS = 65, 5

# Types of the atoms, and (atom, atom, type) of the bonds; C is 0, O 1, N 2, F 3.
MOLECULES = [
    ([0, 0, 1], [(0, 1, 1), (1, 2, 1)]),  # ethanol
    ([0, 0, 0, 0, 0, 0, 2], [(0, 1, 2), (1, 2, 1), (2, 3, 2), (3, 4, 1), (4, 5, 2), (5, 0, 1), (5, 6, 1)]),  # aniline
    ([0, 1, 1, 0, 0, 3], [(0, 1, 2), (0, 2, 1), (0, 3, 1), (3, 4, 1), (4, 5, 1)]),
    ([0, 2], [(0, 1, 3)]),  # hydrogen cyanide
    ([27], []),  # a lone atom
]


def edges_of(bonds: list[tuple[int, int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Both directions of each bond, sorted as in a dense matrix, and their types."""
    both = sorted([*bonds, *((j, i, kind) for i, j, kind in bonds)])
    ends = torch.tensor([(i, j) for i, j, _ in both], dtype=torch.long).view(-1, 2).T.contiguous()
    return ends, torch.tensor([kind for *_, kind in both], dtype=torch.long)


def zinc() -> list[Data]:
    r"""As :class:`torch_geometric.datasets.ZINC` makes them: x [N, 1], edge_attr [E], y [1]."""
    graphs = []
    for number, (types, bonds) in enumerate(MOLECULES):
        ends, kinds = edges_of(bonds)
        x, y = torch.tensor(types).view(-1, 1), torch.tensor([0.5 * number - 1])
        graphs.append(Data(x=x, edge_index=ends, edge_attr=kinds, y=y))
    return graphs


def aqsol() -> list[Data]:
    r"""As :class:`torch_geometric.datasets.AQSOL` makes them: x [N], edge_attr [E], y [1]."""
    graphs = zinc()
    for graph in graphs:
        graph.x, graph.edge_attr = graph.x[:, 0] + 37, graph.edge_attr + 1
    return graphs


def social(size: int = 12, seed: int = 0, channels: int = 5) -> Data:
    r"""People and who knows whom: float features, no edge features."""
    generator = torch.Generator().manual_seed(seed)
    known = (torch.rand(size, size, generator=generator) < 2.5 / size).triu(1)
    ends = known.nonzero().T
    x = torch.randn(size, channels, generator=generator)
    return Data(x=x, edge_index=torch.cat([ends, ends.flip(0)], dim=1), y=x.mean().view(1))


def mesh(rows: int, columns: int) -> Data:
    r"""A grid of points in space with its diagonals: positions, no other features."""
    number = torch.arange(rows * columns).view(rows, columns)
    pairs = [
        (number[1:].flatten(), number[:-1].flatten()),
        (number[:, 1:].flatten(), number[:, :-1].flatten()),
        (number[1:, 1:].flatten(), number[:-1, :-1].flatten()),
    ]
    ends = torch.cat([torch.stack(pair) for pair in pairs], dim=1)
    height, width = number // columns, number % columns
    pos = torch.stack([height, width, (height * width) % 3], dim=-1).view(-1, 3).float()
    return Data(x=pos[:, 2:] / 2, pos=pos, edge_index=torch.cat([ends, ends.flip(0)], dim=1), y=torch.tensor([1.0]))
