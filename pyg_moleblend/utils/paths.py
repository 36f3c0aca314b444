from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_moleblend.fields import MAX_PATH_LENGTH, SPD_MAX, SPD_UNREACHABLE


class ShortestPaths(NamedTuple):
    r"""Shortest paths between all pairs of atoms of a batch.

    Attributes:
        spd: Bonds on the shortest path, ``[B, N, N]`` uint8; 0 self, 254 or more, 255 unreachable.
        first_hop: First atom after i on the path from i to j, ``[B, N, N]`` int64; j itself where there is none.
    """

    spd: Tensor
    first_hop: Tensor


def shortest_paths(adjacency: Tensor) -> ShortestPaths:
    r"""Shortest paths of a batch of graphs, by Floyd-Warshall over all graphs at once.

    Of equally short paths the one is taken that Floyd-Warshall finds with strict improvement and ascending
    intermediate atoms, so the result is unique. The matrix entry holds the distance in its high bits and the
    intermediate atom in its low bits; an earlier intermediate is smaller, so a plain minimum keeps it on a tie.

    Args:
        adjacency: ``[B, N, N]`` or ``[N, N]``, nonzero where there is a bond from i to j.

    Returns:
        :class:`ShortestPaths`, with the leading dimensions of the input.
    """
    if adjacency.dim() == 2:
        return ShortestPaths(*(result[0] for result in shortest_paths(adjacency[None])))
    if adjacency.dim() != 3 or adjacency.size(1) != adjacency.size(2):
        raise ValueError(f"`adjacency` must have shape [B, N, N] or [N, N], got {list(adjacency.shape)}")
    if torch.compiler.is_compiling():  # its N steps as one operation: traced one by one they take minutes to compile
        return ShortestPaths(*_compiled_shortest_paths(adjacency))
    N = adjacency.size(1)
    dtype, bits, infinite = key_format(N)
    bonded = adjacency.permute(1, 2, 0) != 0  # batch last: every step runs over contiguous memory
    key = torch.full(bonded.shape, infinite << bits, dtype=dtype, device=adjacency.device)
    key.masked_fill_(bonded, 1 << bits)
    key.diagonal().zero_()
    distance_bits = -(1 << bits)
    for k in range(N):
        to_k = (key[:, k] & distance_bits) + (k + 1)  # [N, B]
        from_k = key[k] & distance_bits  # [N, B]
        torch.minimum(key, to_k[:, None] + from_k[None], out=key)

    key = key.permute(2, 0, 1)
    distance = key >> bits
    via = (key & ~distance_bits).long() - 1
    spd = distance.clamp(max=SPD_MAX).masked_fill(distance == infinite, SPD_UNREACHABLE).to(torch.uint8)

    hop = torch.where(via < 0, torch.arange(N, device=key.device), via)
    for _ in range(max(N - 1, 1).bit_length()):  # each round doubles the hops that are skipped
        hop = hop.gather(2, hop)
    return ShortestPaths(spd, hop)


@torch.library.custom_op("pyg_moleblend::shortest_paths", mutates_args=())
def _compiled_shortest_paths(adjacency: Tensor) -> tuple[Tensor, Tensor]:
    spd, first_hop = shortest_paths(adjacency)
    return spd.contiguous(), first_hop.contiguous()


@_compiled_shortest_paths.register_fake
def _(adjacency: Tensor) -> tuple[Tensor, Tensor]:
    return adjacency.new_empty(adjacency.shape, dtype=torch.uint8), adjacency.new_empty(
        adjacency.shape, dtype=torch.long
    )


def key_format(size: int) -> tuple[torch.dtype, int, int]:
    r"""How the distance and the intermediate atom share an integer, for molecules of up to `size` atoms.

    Returns:
        The integer's type, the low bits that hold the intermediate atom, and the infinite distance: twice that must
        fit the type above those bits.

    Raises:
        ValueError: If no format fits.
    """
    dtype, bits, infinite = (torch.int16, 8, 63) if size <= 62 else (torch.int32, 16, 16383)
    if infinite < size:
        raise ValueError(f"shortest paths are limited to {infinite} atoms a molecule, got {size}")
    return dtype, bits, infinite


def bond_paths(bonds: Tensor, first_hop: Tensor, max_path_length: int = MAX_PATH_LENGTH) -> Tensor:
    r"""The bonds along each shortest path, hop by hop.

    Args:
        bonds: Bond class of each pair of atoms, ``[B, N, N]`` uint8, 0 where there is no bond.
        first_hop: ``[B, N, N]`` int64, from :func:`shortest_paths`.
        max_path_length: P, the bonds of a path that are kept, counted from its start.

    Returns:
        ``[B, N, N, P]`` uint8, 0 past the end of a path.
    """
    hops = [bonds.gather(2, first_hop)]
    for _ in range(max_path_length - 1):
        hops.append(hops[-1].gather(1, first_hop))  # hop h from i is hop h - 1 from the atom after i
    return torch.stack(hops, dim=-1)


def dense_bonds(edge_index: Tensor, bond_classes: Tensor, batch: Tensor | None, counts: Tensor, size: int) -> Tensor:
    r"""Bond class of each pair of atoms of a batch, ``[B, N, N]`` uint8, 0 where there is no bond.

    Args:
        edge_index: ``[2, ΣE]``.
        bond_classes: ``[ΣE]`` uint8, from :func:`pyg_moleblend.fields.bond_class`.
        batch: Molecule of each atom, ``[Σn]``; ``None`` is one molecule.
        counts: Atoms of each molecule, ``[B]``.
        size: N.
    """
    source, target = edge_index.long()
    molecule = torch.zeros_like(source) if batch is None else batch[source]
    start = (counts.cumsum(0) - counts)[molecule]
    position = (molecule * size + source - start) * size + target - start
    flat = bond_classes.new_zeros(counts.numel() * size * size)
    # A path that has ended must find no bond, so a bond of an atom with itself is left out.
    return flat.scatter(0, position, bond_classes.masked_fill(source == target, 0)).view(-1, size, size)
