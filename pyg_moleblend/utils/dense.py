from __future__ import annotations

import torch
from torch import Tensor


def require(valid: Tensor, message: str) -> None:
    r"""Raises :class:`ValueError` unless a bool on some device is true.

    Compiled code cannot wait for its device: there it is the device that fails, with the same message.
    """
    if torch.compiler.is_compiling():
        torch._assert_async(valid, message)
    elif not bool(valid):
        raise ValueError(message)


def require_soon(valid: Tensor, message: str) -> None:
    r"""The same as :func:`require`, but waits for no device: where it is not the CPU, the device fails, later."""
    if valid.device.type == "cpu":
        require(valid, message)
    else:
        torch._assert_async(valid, message)


def num_atoms(
    batch: Tensor | None, total: int, batch_size: int | None = None, device: torch.device | None = None
) -> Tensor:
    r"""Atoms of each molecule, ``[B]`` int64.

    Args:
        batch: Molecule of each atom, ``[ΣN]``, ascending; ``None`` is one molecule.
        total: ΣN.
        batch_size: B, when the last molecules may be empty or a device synchronisation is to be saved.
        device: Device of the result when ``batch`` is ``None``.
    """
    counts, is_sorted = num_atoms_unchecked(batch, total, batch_size, device)
    if is_sorted is not None:
        require(is_sorted, "`batch` must be sorted: the atoms of a molecule stand together, as in a PyG Batch")
    return counts


def num_atoms_unchecked(
    batch: Tensor | None, total: int, batch_size: int | None = None, device: torch.device | None = None
) -> tuple[Tensor, Tensor | None]:
    r"""The same, and a bool that says whether ``batch`` is sorted (``None``: it is); no device is waited for where
    ``batch_size`` is given."""
    if batch is None:
        return torch.tensor([total], device=device), None
    if batch.numel() != total:
        raise ValueError(f"`batch` must give a molecule to each of the {total} atoms, got {batch.numel()} entries")
    if batch_size is None:
        return torch.bincount(batch), (batch[1:] >= batch[:-1]).all()
    counts = torch.zeros(batch_size, dtype=torch.long, device=batch.device)
    return counts.scatter_add(0, batch, torch.ones_like(batch)), (batch[1:] >= batch[:-1]).all()


def atom_mask(counts: Tensor, max_num_nodes: int | None = None) -> Tensor:
    r"""True for real atoms, ``[B, N]``; N is the largest molecule unless ``max_num_nodes`` says otherwise."""
    if max_num_nodes is not None and torch.compiler.is_compiling():
        require((counts <= max_num_nodes).all(), "a molecule has more than max_num_nodes atoms; nothing is cropped")
        return torch.arange(max_num_nodes, device=counts.device) < counts[:, None]
    largest = int(counts.max()) if counts.numel() else 0
    size = largest if max_num_nodes is None else max_num_nodes
    if largest > size:
        raise ValueError(f"a molecule has {largest} atoms, more than max_num_nodes={size}; nothing is cropped")
    return torch.arange(size, device=counts.device) < counts[:, None]


def scatter_atoms(values: Tensor, mask: Tensor, fill_value: float = 0) -> Tensor:
    r"""Lays out atom values ``[ΣN, ...]`` as ``[B, N, ...]`` by the mask ``[B, N]`` of real atoms."""
    dense = values.new_full((*mask.shape, *values.shape[1:]), fill_value)
    where = mask.view(*mask.shape, *[1] * (values.dim() - 1))
    return dense.masked_scatter(where.expand_as(dense), values)


def scatter_pairs(values: Tensor, mask: Tensor, fill_value: float = 0) -> Tensor:
    r"""Lays out flat pair values ``[ΣN², ...]`` as ``[B, N, N, ...]`` by the mask ``[B, N]`` of real atoms."""
    pairs = mask[:, :, None] & mask[:, None, :]
    dense = values.new_full((*pairs.shape, *values.shape[1:]), fill_value)
    where = pairs.view(*pairs.shape, *[1] * (values.dim() - 1))
    return dense.masked_scatter(where.expand_as(dense), values)


def to_dense_atom(
    values: Tensor,
    batch: Tensor | None = None,
    fill_value: float = 0,
    max_num_nodes: int | None = None,
    batch_size: int | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Pads atom values to a dense tensor, as PyG's :func:`~torch_geometric.utils.to_dense_batch` does.

    Args:
        values: ``[ΣN, ...]``.
        batch: Molecule of each atom, ``[ΣN]``, ascending; ``None`` is one molecule. (default: :obj:`None`)
        fill_value: Value of padded atoms. (default: :obj:`0`)
        max_num_nodes: N; the largest molecule by default.
        batch_size: B; told from ``batch`` by default.

    Returns:
        The values ``[B, N, ...]`` and the mask ``[B, N]``, True for real atoms.

    Raises:
        ValueError: If a molecule is larger than ``max_num_nodes``: nothing is cropped.
    """
    counts = num_atoms(batch, values.size(0), batch_size, values.device)
    mask = atom_mask(counts, max_num_nodes)
    return scatter_atoms(values, mask, fill_value), mask


def to_dense_pair(
    values: Tensor,
    batch: Tensor | None = None,
    fill_value: float = 0,
    max_num_nodes: int | None = None,
    batch_size: int | None = None,
) -> Tensor:
    r"""Pads flat, row-major pair values to a dense tensor.

    Args:
        values: ``[Σn², ...]``, the pairs of the first molecule row by row, then those of the second, and so on.
        batch: Molecule of each atom, ``[Σn]``, ascending; ``None`` is one molecule. (default: :obj:`None`)
        fill_value: Value of pairs with a padded atom. (default: :obj:`0`)
        max_num_nodes: N; the largest molecule by default.
        batch_size: B; told from ``batch`` by default.

    Returns:
        ``[B, N, N, ...]``.

    Raises:
        ValueError: If ``values`` does not hold Σn² pairs, as after a change of the graphs' atoms.
    """
    if batch is None:
        side = round(values.size(0) ** 0.5)
        counts = torch.tensor([side], device=values.device)
    else:
        counts = num_atoms(batch, batch.numel(), batch_size)
    check_pair_count("values", values, counts)
    return scatter_pairs(values, atom_mask(counts, max_num_nodes), fill_value)


def as_dense_pair(name: str, values: Tensor, mask: Tensor, counts: Tensor) -> Tensor:
    r"""A pair field as ``[B, N, N, ...]``, from that or from flat ``[Σn², ...]``.

    Args:
        name: Its name, for errors.
        values: The field.
        mask: True for real atoms, ``[B, N]``.
        counts: Atoms of each molecule, ``[B]``.

    Raises:
        ValueError: If it is neither.
    """
    if values.shape[:3] == (*mask.shape, mask.size(1)):
        return values
    check_pair_count(name, values, counts)
    return scatter_pairs(values, mask)


def check_pair_count(name: str, values: Tensor, counts: Tensor) -> None:
    r"""Raises :class:`ValueError` unless the flat pair field holds one row for each pair of atoms."""
    if torch.compiler.is_compiling():
        require((counts * counts).sum() == values.size(0), f"pair field `{name}` is not of these molecules' pairs")
        return
    expected = int((counts * counts).sum())
    if values.size(0) != expected:
        raise ValueError(
            f"pair field `{name}` holds {values.size(0)} rows, but molecules of {counts.tolist()[:8]} atoms"
            f"{' ...' if counts.numel() > 8 else ''} have {expected} pairs; recompute it after removing or adding "
            "atoms (transforms.AddRelations)"
        )
