from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
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
    r"""Shortest paths of a batch of graphs, by :func:`floyd_warshall` over all graphs at once.

    Args:
        adjacency: ``[B, N, N]`` or ``[N, N]``, nonzero where there is a bond from i to j.

    Returns:
        :class:`ShortestPaths`, with the leading dimensions of the input.

    Raises:
        ValueError: If the input has another shape, or N is above 16383.
    """
    if adjacency.dim() == 2:
        return ShortestPaths(*(result[0] for result in shortest_paths(adjacency[None])))
    if adjacency.dim() != 3 or adjacency.size(1) != adjacency.size(2):
        raise ValueError(f"`adjacency` must have shape [B, N, N] or [N, N], got {list(adjacency.shape)}")
    if torch.compiler.is_compiling():  # its N steps as one operation: traced one by one they take minutes to compile
        return ShortestPaths(*_compiled_shortest_paths(adjacency))
    N = adjacency.size(1)
    key_format(N)  # before memory is taken
    spd, via = (found.permute(2, 0, 1) for found in floyd_warshall(adjacency.permute(1, 2, 0) != 0))
    hop = torch.where(via < 0, torch.arange(N, device=via.device), via)
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


def floyd_warshall(bonded: Any) -> tuple[Any, Any]:
    r"""The one implementation of shortest paths, for tensors of any device and for NumPy's arrays, whose calls cost a
    fifth of torch's where molecules have few atoms.

    Of equally short paths the one is taken that Floyd-Warshall finds with strict improvement and ascending
    intermediate atoms, so the result is unique. The matrix entry holds the distance in its high bits and the
    intermediate atom in its low bits; an earlier intermediate is smaller, so a plain minimum keeps it on a tie.

    Args:
        bonded: Whether there is a bond from i to j, bool ``[N, N, B]``.

    Returns:
        Bonds on the shortest path as ``spd`` has them, uint8 ``[N, N, B]``, and the last intermediate atom of each path
        that was found, int64 ``[N, N, B]``, -1 where there is none: of a bond, or without a path.

    Raises:
        ValueError: If N is above 16383.
    """
    xp: Any = np if isinstance(bonded, np.ndarray) else torch
    N = len(bonded)
    kind, bits, infinite = key_format(N)
    key = _cast(xp.where(bonded, 1 << bits, infinite << bits), kind)
    atom = np.arange(N) if xp is np else torch.arange(N, device=bonded.device)
    key[atom, atom] = 0
    distance_bits, through = -(1 << bits), xp.empty_like(key)
    for k in range(N):
        to_k = (key[:, k] & distance_bits) + (k + 1)  # [N, B]
        xp.add(to_k[:, None], (key[k] & distance_bits)[None], out=through)
        xp.minimum(key, through, out=key)
    distance = key >> bits
    spd = xp.where(distance < infinite, distance if N <= SPD_MAX else distance.clip(0, SPD_MAX), SPD_UNREACHABLE)
    return _cast(spd, "uint8"), _cast(key & ~distance_bits, "int64") - 1


def key_format(size: int) -> tuple[str, int, int]:
    r"""How the distance and the intermediate atom share an integer, for molecules of up to `size` atoms.

    Returns:
        The integer's type, the low bits that hold the intermediate atom, and the infinite distance: twice that must
        fit the type above those bits.

    Raises:
        ValueError: If no format fits.
    """
    kind, bits, infinite = ("int16", 8, 63) if size <= 62 else ("int32", 16, 16383)
    if infinite < size:
        raise ValueError(f"shortest paths are limited to {infinite} atoms a molecule, got {size}")
    return kind, bits, infinite


def _cast(array: Any, kind: str) -> Any:
    return array.astype(kind) if isinstance(array, np.ndarray) else array.to(getattr(torch, kind))


def bond_paths(bonds: Tensor, first_hop: Tensor, max_path_length: int = MAX_PATH_LENGTH) -> Tensor:
    r"""The bonds along each shortest path, hop by hop.

    Args:
        bonds: Bond class of each pair of atoms, ``[B, N, N]`` uint8, 0 where there is no bond.
        first_hop: ``[B, N, N]`` int64, from :func:`shortest_paths`.
        max_path_length: P, the bonds of a path that are kept, counted from its start. (default: :obj:`5`)

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
