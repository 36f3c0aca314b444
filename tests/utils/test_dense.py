import pytest
import torch
from torch import Tensor
from torch_geometric.utils import to_dense_batch

from pyg_moleblend.utils import to_dense_atom, to_dense_pair
from pyg_moleblend.utils.dense import atom_mask, num_atoms, scatter_pairs

COUNTS = [3, 1, 4]
BATCH = torch.repeat_interleave(torch.tensor(COUNTS))


def flat_pairs(*features: int) -> Tensor:
    shape = (sum(count**2 for count in COUNTS), *features)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def reference_pairs(values: Tensor, size: int, fill: float = 0) -> Tensor:
    dense = values.new_full((len(COUNTS), size, size, *values.shape[1:]), fill)
    row = 0
    for molecule, count in enumerate(COUNTS):
        for i in range(count):
            for j in range(count):
                dense[molecule, i, j] = values[row]
                row += 1
    return dense


@pytest.mark.parametrize("features", [(), (2,), (2, 3)])
@pytest.mark.parametrize(("fill", "size"), [(0, None), (-1.5, None), (0, 6)])
def test_atoms_are_laid_out_as_by_pyg(features: tuple[int, ...], fill: float, size: int | None):
    values = torch.randn(8, *features)
    dense, mask = to_dense_atom(values, BATCH, fill_value=fill, max_num_nodes=size)
    expected, expected_mask = to_dense_batch(values, BATCH, fill_value=fill, max_num_nodes=size)
    assert torch.equal(dense, expected)
    assert torch.equal(mask, expected_mask)


@pytest.mark.parametrize("features", [(), (2,), (2, 3)])
@pytest.mark.parametrize(("fill", "size"), [(0, None), (7, None), (0, 6)])
def test_pairs_against_a_plain_loop(features: tuple[int, ...], fill: float, size: int | None):
    values = flat_pairs(*features)
    dense = to_dense_pair(values, BATCH, fill_value=fill, max_num_nodes=size)
    assert torch.equal(dense, reference_pairs(values, size or max(COUNTS), fill))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float64])
def test_dtype_is_kept(dtype: torch.dtype):
    assert to_dense_pair(flat_pairs().to(dtype), BATCH).dtype == dtype
    assert to_dense_atom(torch.ones(8, dtype=dtype), BATCH)[0].dtype == dtype


def test_one_molecule_needs_no_batch():
    values = torch.arange(9)
    assert torch.equal(to_dense_pair(values), values.view(1, 3, 3))
    dense, mask = to_dense_atom(values)
    assert torch.equal(dense, values[None])
    assert mask.all()


def test_batch_size_adds_empty_molecules():
    dense, mask = to_dense_atom(torch.ones(8), BATCH, batch_size=5)
    assert dense.shape == mask.shape == (5, 4)
    assert not mask[3:].any()
    assert to_dense_pair(flat_pairs(), BATCH, batch_size=5).shape == (5, 4, 4)


def test_gradients_flow_to_every_value():
    values = flat_pairs(2).requires_grad_()
    weight = torch.arange(96.0).view(3, 4, 4, 2)
    (to_dense_pair(values, BATCH) * weight).sum().backward()
    assert torch.equal(reference_pairs(values.grad, 4), torch.where(reference_pairs(values, 4) != 0, weight, 0.0))


def test_nothing_is_cropped():
    with pytest.raises(ValueError, match="has 4 atoms, more than max_num_nodes=3"):
        to_dense_atom(torch.ones(8), BATCH, max_num_nodes=3)
    with pytest.raises(ValueError, match="nothing is cropped"):
        to_dense_pair(flat_pairs(), BATCH, max_num_nodes=3)


@pytest.mark.parametrize("batch", [BATCH, None])
def test_pairs_of_other_atoms_are_refused(batch: Tensor | None):
    with pytest.raises(ValueError, match="holds 25 rows" if batch is not None else "holds 24 rows"):
        to_dense_pair(torch.ones(25 if batch is not None else 24), batch)


def test_atoms_without_a_molecule_are_refused():
    with pytest.raises(ValueError, match="each of the 9 atoms, got 8"):
        to_dense_atom(torch.ones(9), BATCH)


def test_counts_and_mask():
    assert num_atoms(BATCH, 8).tolist() == COUNTS
    assert num_atoms(None, 8).tolist() == [8]
    assert atom_mask(torch.tensor(COUNTS)).sum(1).tolist() == COUNTS
    assert atom_mask(torch.tensor([2]), 4).tolist() == [[True, True, False, False]]


def test_layout_compiles_with_sizes_that_change():
    compiled = torch.compile(scatter_pairs, backend="aot_eager", fullgraph=True, dynamic=True)
    for counts in (COUNTS, [2, 5], [1, 1, 1, 6]):
        mask = atom_mask(torch.tensor(counts))
        values = torch.randn(sum(count**2 for count in counts), 2)
        assert torch.equal(compiled(values, mask), scatter_pairs(values, mask))
