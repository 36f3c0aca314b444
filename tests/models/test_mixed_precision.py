import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction


def batch() -> Batch:
    return Batch.from_data_list(samples.molecules())


def in_double(model: torch.nn.Module) -> torch.Tensor:
    return model.double()(Batch.from_data_list([samples.in_double(graph) for graph in samples.molecules()]))


def predictor() -> MoleBlendForPropertyPrediction:
    return samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), num_tasks=4))


def test_float32_agrees_with_float64():
    single, double = predictor()(batch()), in_double(predictor())
    assert double.dtype == torch.float64
    samples.assert_same(single.double(), double, tolerance=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_agrees_with_float32(dtype: torch.dtype):
    model = predictor()
    with torch.autocast("cpu", dtype):
        output = model(batch())
    samples.assert_same(output.float(), model(batch()), tolerance=0.05 if dtype == torch.bfloat16 else 0.01)


def test_pretraining_under_autocast():
    model = samples.randomized(MoleBlendForPretraining(samples.tiny_config()))
    exact = model(batch(), generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        output = model(batch(), blend=exact.blend)
    assert output.loss.dtype == torch.float32
    assert output.loss.item() == pytest.approx(exact.loss.item(), rel=0.03)
    for name, loss in output.losses.items():
        assert loss.item() == pytest.approx(exact.losses[name].item(), rel=0.05), name
    output.loss.backward()
    assert samples.finite_gradients(model)
    assert all(parameter.grad.dtype == torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_weights(dtype: torch.dtype):
    model = samples.randomized(MoleBlend(samples.tiny_config()))
    expected = model(batch()).graph
    output = model.to(dtype)(batch())
    assert output.graph.dtype == dtype
    samples.assert_same(output.graph.float(), expected, tolerance=0.05 if dtype == torch.bfloat16 else 0.01)


def test_coordinates_in_double_precision_do_not_widen_a_float32_model():
    double = Batch.from_data_list([samples.in_double(graph) for graph in samples.molecules()])
    output = predictor()(double)
    assert output.dtype == torch.float32
    samples.assert_same(output, predictor()(batch()))
