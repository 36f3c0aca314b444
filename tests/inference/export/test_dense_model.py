import pytest
import torch
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference.export.dense_model import DenseModel
from pyg_moleblend.inference.intervals import saved_errors
from pyg_moleblend.inference.property_model import PropertyModel
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction

REGRESSION = Task("regression", ("a", "b"), ("", "eV"), (5.0, -2.0), (1.5, 0.5))
CLASSIFICATION = Task("classification", ("a", "b"), ("", ""), (0.0, 0.0), (1.0, 1.0))


def dense(model, task=REGRESSION, modality="2d+3d"):
    return DenseModel([PropertyModel(model, task, None, modality, modality, saved_errors({}, 2))]).eval()


@pytest.fixture
def batch(molecules):
    flat = from_smiles("CC(=O)Nc1ccc(O)cc1")
    del flat.smiles
    given = [data.clone() for data in molecules[:4]]
    for data in given:
        for key in set(data.keys()) - set(flat.keys()):
            del data[key]
    return Batch.from_data_list([*given, flat])


@pytest.mark.parametrize("task", [REGRESSION, CLASSIFICATION], ids=lambda task: task.kind)
@pytest.mark.parametrize("modality", ["2d", "2d+3d"])
@torch.no_grad()
def test_its_values_are_the_models(model, batch, task, modality):
    graph = dense(model, task, modality)
    inputs = graph.inputs(batch)
    assert list(inputs) == ["x", "mask", "bond_path", "spd", *["pos"] * (modality == "2d+3d")]
    outputs = model(batch, modality)
    expected = outputs.sigmoid() if task is CLASSIFICATION else outputs.double() * task_std(task) + task_mean(task)
    torch.testing.assert_close(graph(inputs)["values"], expected)


def task_std(task):
    return torch.tensor(task.std, dtype=torch.float64)


def task_mean(task):
    return torch.tensor(task.mean, dtype=torch.float64)


@torch.no_grad()
def test_padding_may_hold_anything(model, batch):
    graph = dense(model)
    inputs = graph.inputs(batch)
    there = inputs["mask"]
    pairs = there[:, :, None] & there[:, None, :]
    changed = {
        "x": torch.where(there[..., None], inputs["x"], 999),
        "mask": there,
        "bond_path": torch.where(pairs[..., None], inputs["bond_path"], 255),
        "spd": torch.where(pairs, inputs["spd"], 1),
        "pos": torch.where(there[..., None], inputs["pos"], torch.inf),
    }
    assert torch.equal(graph(changed)["values"], graph(inputs)["values"])


@torch.no_grad()
def test_what_cannot_be_predicted_is_nan(model, batch):
    graph = dense(model)
    inputs = {name: value.clone() for name, value in graph.inputs(batch).items()}
    inputs["x"][0, 0, 0] = 119  # beyond the elements
    inputs["x"][1, 1, 2] = -1
    inputs["mask"][2] = False
    values = graph(inputs)["values"]
    assert values.isnan().all(1).tolist() == [True, True, True, False, False]
    in_3d = dense(model, modality="3d")
    assert in_3d(graph.inputs(batch))["values"].isnan().all(1).tolist() == [False] * 4 + [True]


@torch.no_grad()
def test_several_models_give_mean_and_deviation(model, config, batch):
    torch.manual_seed(1)
    other = MoleBlendForPropertyPrediction(config, 2).eval()
    one, two = (dense(each)(dense(each).inputs(batch))["values"] for each in (model, other))
    members = [PropertyModel(each, REGRESSION, None, "2d+3d", "2d+3d", saved_errors({}, 2)) for each in (model, other)]
    graph = DenseModel(members)
    found = graph(graph.inputs(batch))
    torch.testing.assert_close(found["values"], (one + two) / 2)
    torch.testing.assert_close(found["deviations"], (one - two).abs() / 2**0.5)
