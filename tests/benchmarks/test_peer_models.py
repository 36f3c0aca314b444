import pytest
import torch
from torch_geometric.data import Batch

from benchmarks.model_runs import with_coordinates
from benchmarks.peer_models import GPS, Ours, graphormer_inputs, required
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPropertyPrediction

CONFIG = MoleBlendConfig(channels=16, num_layers=1, heads=2, ffn_channels=16)


def batch() -> Batch:
    return Batch.from_data_list(with_coordinates(["CCO", "C=C.N"]))


@pytest.mark.parametrize("make", [Ours, GPS])
def test_predictions_are_of_each_molecule(make: type):
    model = make(CONFIG)
    prediction = model.prepare(batch())()
    assert prediction.shape == (2, 1)
    prediction.sum().backward()
    assert sum(weight.grad is not None for weight in model.model_weights()) > 10


def test_graphormer_sees_atoms_degrees_and_paths():
    given = batch()
    inputs = graphormer_inputs(MoleBlendForPropertyPrediction(CONFIG, 1).pack(given, "2d"), given)
    assert inputs["input_nodes"].shape == (2, 3, 9)
    assert inputs["input_nodes"][0, :, 0].tolist() == [7, 7, 9]  # C, C, O: OGB's 5, 5, 7, and two reserved rows
    assert inputs["in_degree"].tolist() == [[2, 3, 2], [2, 2, 1]]
    assert inputs["spatial_pos"][0].tolist() == [[1, 2, 3], [2, 1, 2], [3, 2, 1]]
    assert (inputs["input_edges"][0, 0, 2] > 0).any(-1).tolist() == [True, True, False, False, False]
    assert inputs["input_edges"][1, 0, 1, 0].tolist() == [3, 2 + 512, 2 + 1024]  # a double bond
    assert inputs["input_edges"].max() < 3 * 512 + 1
    assert torch.equal(inputs["attn_edge_type"], inputs["input_edges"][:, :, :, 0])


def test_a_peer_that_is_missing_is_named():
    with pytest.raises(ModuleNotFoundError, match="pip install 'peer==1'"):
        required("a_peer_that_nobody_has", "peer==1")
