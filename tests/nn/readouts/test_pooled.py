import pytest
import samples
import torch
from torch_geometric.data import Batch
from torch_geometric.nn import global_add_pool, global_mean_pool

from pyg_moleblend.models import DenseEncoderOutput, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import PooledReadout
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import DenseMolecules, pack


def molecules() -> tuple[Batch, DenseMolecules, DenseEncoderOutput]:
    batch = samples.batch_of([*samples.molecules(3), samples.methane_like(pos=torch.zeros(1, 3))])
    packed = pack(batch)
    generator = torch.Generator().manual_seed(0)
    atoms = torch.randn(*packed.mask.shape, 5, generator=generator)
    atoms[~packed.mask] = float("nan")  # whatever padding holds
    return batch, packed, DenseEncoderOutput(torch.randn(4, 5, generator=generator), atoms, torch.zeros(()))


@pytest.mark.parametrize("scale", [10.0, 2.0])
def test_token_mean_and_scaled_sum_of_the_real_atoms(scale: float):
    batch, packed, output = molecules()
    readout = PooledReadout(5, scale)
    states = output.atoms[packed.mask]
    expected = [output.graph, global_mean_pool(states, batch.batch), global_add_pool(states, batch.batch) / scale]
    vector = readout(output, packed)
    assert vector.shape == (4, readout.out_channels) == (4, 15)
    torch.testing.assert_close(vector, torch.cat(expected, -1))


def test_padding_gets_no_gradient():
    _, packed, output = molecules()
    atoms = output.atoms.nan_to_num().requires_grad_()
    PooledReadout(5)(output._replace(atoms=atoms), packed).sum().backward()
    assert not atoms.grad[~packed.mask].any()
    assert atoms.grad[packed.mask].all()


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_scale_is_positive(scale: float):
    with pytest.raises(ValueError, match=f"`sum_scale` must be positive, got {scale}"):
        PooledReadout(5, scale)


def test_predictions_do_not_depend_on_order_or_company():
    model = MoleBlendForPropertyPrediction(samples.tiny_config(), 2, readout=PooledReadout(16))
    model, graphs = samples.randomized(model), [AddRelations()(graph) for graph in samples.molecules(4)]
    together = model(samples.batch_of(graphs))
    assert model.dense.in_features == 48
    samples.assert_same(together, torch.cat([model(graph) for graph in graphs]))
    order = torch.randperm(graphs[2].num_nodes, generator=torch.Generator().manual_seed(0))
    samples.assert_same(model(samples.permuted(graphs[2], order)), together[2:3])


def test_size_counts():
    r"""Two equal molecules as fragments of one have the same mean and twice the sum."""
    _, packed, output = molecules()
    one = slice(0, 1)
    twice = packed.select(torch.tensor([0]))
    twice = twice._replace(mask=torch.cat([packed.mask[one]] * 2, 1))
    doubled = output._replace(graph=output.graph[one], atoms=torch.cat([output.atoms[one]] * 2, 1))
    single = PooledReadout(5)(output, packed)[0]
    double = PooledReadout(5)(doubled, twice)[0]
    torch.testing.assert_close(double[:10], single[:10])
    torch.testing.assert_close(double[10:], 2 * single[10:])
