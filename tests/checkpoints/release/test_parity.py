import copy

import golden_data
import pytest
import torch

from pyg_moleblend.checkpoints.release.convert import convert_release, read_release
from pyg_moleblend.checkpoints.release.parity import parity, round_trip

ENCODER = "encoder.molecule_encoder."
BROMINE, CARBON = 34, 5  # as OGB numbers elements


@pytest.fixture(scope="module")
def weights():
    return dict(read_release(golden_data.RELEASE_CHECKPOINT)[0])


def test_a_converted_model_computes_what_the_weights_say(weights):
    differences = parity(weights, convert_release(weights))
    assert max(differences.values()) < 1e-5
    assert len(differences) == 12


def test_a_finetuned_one_too():
    weights = golden_data.public()["finetune_state_dict"]
    differences = parity(weights, golden_data.finetuned_model())
    assert differences["property prediction"] < 1e-5
    assert max(differences.values()) < 1e-5


@pytest.mark.parametrize(
    ("key", "row", "value"),
    [
        ("atom_feature.atom_encoder.weight", BROMINE + 2, "atom features"),
        ("atom_feature.atom_encoder.weight", 8 * 512 + 1 + 2, "atom features"),  # in a ring
        ("atom_feature.in_degree_encoder.weight", 4 + 1, "degree"),
        ("atom_feature.out_degree_encoder.weight", 0 + 1, "degree"),
        ("molecule_attn_bias.spatial_pos_encoder.weight", 511, "spd bias"),  # unreachable
        ("molecule_attn_bias.spatial_pos_encoder.weight", 0 + 1, "spd bias"),
        ("molecule_attn_bias.spatial_pos_encoder.weight", 8 + 1, "spd bias"),
        ("molecule_attn_bias.edge_encoder.weight", 3 + 3, "bond_path bias"),  # aromatic
        ("molecule_attn_bias.edge_encoder.weight", 512 + 2 + 3, "bond_path bias"),  # E
        ("molecule_attn_bias.edge_encoder.weight", 1024 + 1 + 3, "bond_path bias"),  # conjugated
        ("molecule_attn_bias.edge_dis_encoder.weight", 4 * 4 * 4 + 5, "bond_path bias"),  # the fifth hop
        ("molecule_3d_bias.gbf.mul.weight", CARBON + 3, "distance bias"),
        ("molecule_3d_bias.gbf.mul.weight", CARBON + 3 + 512, "3d atom feature"),
        ("molecule_3d_bias.gbf.bias.weight", CARBON + 3, "3d atom feature"),
        ("molecule_3d_bias.gbf.bias.weight", CARBON + 3 + 512, "distance bias"),
        ("molecule_attn_bias.graph_token_virtual_distance.weight", 0, "graph state"),
        ("layers.1.self_attn.v_proj.weight", 3, "atom states"),
        ("blend_3d_pred_head.linear.weight", 200, "displacement prediction"),
        ("blend_3d_pred_head.force_proj2.bias", 0, "displacement prediction"),
        ("atom_proc.force_proj3.weight", 0, "denoising prediction"),
    ],
)
def test_a_row_that_is_read_from_elsewhere_shows(weights, key, row, value):
    model = convert_release(weights)
    altered = {**weights, ENCODER + key: weights[ENCODER + key].clone()}
    altered[ENCODER + key][row] += 0.5
    assert parity(altered, model)[value] > 1e-3


def test_the_folder_is_compared_too():
    model = golden_data.pretraining_model()
    other = copy.deepcopy(model)
    assert round_trip(model, other) == 0
    with torch.no_grad():
        other.objectives["spd"].head.bias += 0.5
    assert round_trip(model, other) > 1e-2
