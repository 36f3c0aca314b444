import golden_data
import pytest
import torch
from release_gradients import release_gradients

from pyg_moleblend.models import PretrainingOutput

LOSSES = {"spd": "spd_loss", "bond_path": "edge_loss", "displacement": "3d_loss", "denoising": "node_output_loss"}
HEADS = {"spd": "head_shortest_path", "bond_path": "head_edge_path", "displacement": "head_displacement"}
HEADS["denoising"] = "head_denoise"


@pytest.fixture(scope="module")
def output() -> PretrainingOutput:
    model = golden_data.pretraining_model()
    return model(golden_data.public_batch(), blend=golden_data.blend_of(golden_data.packed(model)))


def test_blended_states():
    model = golden_data.pretraining_model()
    molecules = golden_data.packed(model)
    blend = golden_data.blend_of(molecules)
    graph, atoms, _ = model.encoder.encode(molecules._replace(pos=molecules.pos + blend.pos_noise), blend)
    expected = golden_data.public()["blended_hidden"]
    golden_data.assert_matches(graph, expected[:, 0])
    golden_data.assert_matches(atoms, expected[:, 1:], golden_data.atom_mask())


@pytest.mark.parametrize("name", list(HEADS))
def test_predictions(name: str, output: PretrainingOutput):
    expected = golden_data.public()[HEADS[name]]
    counted = golden_data.pair_mask(golden_data.atom_mask())
    if name in ("displacement", "denoising"):  # zero where the release's loss does not count
        counted = (expected != 0).any(-1)
    golden_data.assert_matches(output.predictions[name], expected, counted)


@pytest.mark.parametrize("name", list(LOSSES))
def test_losses(name: str, output: PretrainingOutput):
    assert output.losses[name].item() == pytest.approx(golden_data.public()["losses"][LOSSES[name]], rel=1e-5)


def test_weighted_loss(output: PretrainingOutput):
    assert output.losses.keys() == output.predictions.keys() == LOSSES.keys()
    assert output.loss.item() == pytest.approx(golden_data.public()["loss_backward"], rel=1e-5)
    assert sum(output.losses.values()).item() == pytest.approx(golden_data.public()["losses"]["loss"], rel=1e-5)


def test_gradient_norms_of_all_parameters():
    golden, model = golden_data.public(), golden_data.pretraining_model()
    model(golden_data.public_batch(), blend=golden_data.blend_of(golden_data.packed(model))).loss.backward()
    gradients = release_gradients(model, golden["pretrain_state_dict"])
    assert gradients.keys() == golden["grad_norms"].keys()
    for key, expected in golden["grad_norms"].items():
        tolerance = {"abs": 1e-6} if key.endswith("k_proj.bias") else {"rel": 1e-4}
        assert torch.as_tensor(gradients[key]).norm().item() == pytest.approx(expected, **tolerance), key
