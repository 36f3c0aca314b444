import argparse
import re
from pathlib import Path
from typing import Any

import golden_data
import pytest
import torch
from torch import Tensor

from pyg_moleblend.checkpoints import convert_release, from_release
from pyg_moleblend.checkpoints.release.convert import release_mapping
from pyg_moleblend.fields import bond_class_targets
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import BatchBlending, DisplacementRecovery, PairBlending

ENCODER = "encoder.molecule_encoder."
EDGE_HEAD = ENCODER + "blend_edge_pred_head.linear_map_feature."
NORM, TOKEN = ENCODER + "layers.1.final_layer_norm.bias", ENCODER + "atom_feature.graph_token.weight"


def weights(kind: str = "pretrain") -> dict[str, Tensor]:
    return dict(golden_data.public()[f"{kind}_state_dict"])


def written(tmp_path: Path, model: dict[str, Any], **content: Any) -> Path:
    torch.save({"args": None, **content, "model": model}, tmp_path / "checkpoint.pt")
    return tmp_path / "checkpoint.pt"


def test_the_release_file_loads():
    model = from_release(golden_data.RELEASE_CHECKPOINT)
    assert isinstance(model, MoleBlendForPretraining)
    assert isinstance(model.encoder, MoleBlend)
    assert not any(module.training for module in model.modules())
    assert all(value.dtype == torch.float32 for value in model.state_dict().values() if value.is_floating_point())
    sizes = golden_data.public()["config"]
    config = model.config
    assert (config.num_layers, config.channels, config.ffn_channels) == (sizes["layers"], sizes["dim"], sizes["ffn"])
    assert (config.heads, config.num_gaussians, config.max_path_length) == (sizes["heads"], sizes["kernels"], 5)
    spd, bond_path = model.objectives["spd"], model.objectives["bond_path"]
    assert (spd.num_classes, spd.head.row.out_features) == (11, 32)
    assert list(model.objectives) == ["spd", "bond_path", "displacement", "denoising"]
    assert isinstance(model.objectives["displacement"], DisplacementRecovery)
    assert bond_path.component_arguments()["vocabulary"] == "release"
    assert torch.equal(bond_path.targets, bond_class_targets("release"))
    assert type(model.blending) is BatchBlending
    assert model.blending.component_arguments() == PairBlending().component_arguments()
    assert {name: model.loss_weighting.weights[name] for name in model.objectives} == {
        "spd": 0.1,
        "bond_path": 0.1,
        "displacement": 0.5,
        "denoising": 6,
    }


def test_the_release_file_gives_the_golden_numbers_to_half_precision():
    model = from_release(golden_data.RELEASE_CHECKPOINT)
    blend = golden_data.blend_of(golden_data.packed(model))
    output = model(golden_data.public_batch(), blend=blend)
    assert output.loss.item() == pytest.approx(golden_data.public()["loss_backward"], rel=1e-2)
    for name, value in golden_data.pretraining_model().state_dict().items():
        golden_data.assert_matches(model.state_dict()[name], value, tolerance=2e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_file_with_the_weights_alone(dtype: torch.dtype, tmp_path: Path):
    halved = {key: value.to(dtype) for key, value in weights("finetune").items()}
    model = from_release(written(tmp_path, halved))
    assert isinstance(model, MoleBlendForPropertyPrediction)
    assert isinstance(model.encoder, MoleBlend)
    assert (model.num_tasks, model.config.max_path_length) == (3, 5)
    assert not model.training
    logits = model(golden_data.public_batch())
    expected = golden_data.public()["finetune_logits_2d3d"]
    golden_data.assert_matches(logits, expected, tolerance=1e-5 if dtype == torch.float32 else 1e-2)


@pytest.mark.parametrize("hops", [3, 5])
@pytest.mark.parametrize("where", ["args", "cfg"])
def test_hops_are_those_of_the_settings(where: str, hops: int, tmp_path: Path):
    settings = argparse.Namespace(multi_hop_max_dist=hops)
    content = {"args": settings} if where == "args" else {"cfg": {"model": settings}}
    model = from_release(written(tmp_path, weights("finetune"), **content))
    assert model.config.max_path_length == hops
    bond_path = model.encoder.attention_bias.blend.relations["bond_path"]
    table = golden_data.public()["finetune_state_dict"][ENCODER + "molecule_attn_bias.edge_dis_encoder.weight"]
    assert torch.equal(bond_path.hops.flatten(), table.flatten()[: hops * 4 * 4])


def test_hops_are_told_by_the_bond_head_before_the_settings(tmp_path: Path):
    shorter = weights()
    for end in ("weight", "bias"):
        shorter[EDGE_HEAD + end] = shorter[EDGE_HEAD + end][: 3 * 24]
    model = from_release(written(tmp_path, shorter, args=argparse.Namespace(multi_hop_max_dist=5)))
    assert model.config.max_path_length == 3
    assert model(golden_data.public_batch()).predictions["bond_path"].shape[-2:] == (3, 24)


@pytest.mark.parametrize(
    "key", ["encoder.lm_output_learned_bias", "encoder.embed_out.weight", "encoder.layer_norm.weight"]
)
def test_heads_that_the_release_never_uses_may_be_absent(key: str):
    fewer = weights()
    del fewer[key]
    full = golden_data.pretraining_model().state_dict()
    assert all(torch.equal(value, full[name]) for name, value in convert_release(fewer).state_dict().items())


@pytest.mark.parametrize("kind", ["pretrain", "finetune"])
def test_all_faults_are_named(kind: str):
    broken = weights(kind)
    del broken[NORM]
    broken[TOKEN] = torch.zeros(1, 31)
    broken[ENCODER + "surplus.weight"] = torch.zeros(2)
    with pytest.raises(ValueError, match="does not fit") as raised:
        convert_release(broken)
    for fault in (
        f"missing {NORM}",
        f"misshapen {TOKEN}: [1, 31] where [1, 32]",
        f"unexpected {ENCODER}surplus.weight",
    ):
        assert fault in str(raised.value)


@pytest.mark.parametrize("kind", ["pretrain", "finetune"])
@pytest.mark.parametrize("fault", ["missing", "misshapen"])
def test_every_key_is_wanted_in_its_shape(kind: str, fault: str):
    r"""A weight that tells a size is believed, so that its bias is the one that does not fit, or the reverse."""
    used = [key for key in weights(kind) if ("molecule_encoder" if kind == "pretrain" else "proj_out") in key]
    assert len(used) == {"pretrain": 116, "finetune": 4}[kind]
    for key in used:
        broken = weights(kind)
        value = broken.pop(key)
        if fault == "misshapen":
            broken[key] = torch.cat([value, value[:1]])
        with pytest.raises(ValueError, match=re.escape(key if fault == "missing" else key.rpartition(".")[0])):
            convert_release(broken)


@pytest.mark.parametrize("key", [ENCODER + "layers.0.fc1.weight", ENCODER + "molecule_3d_bias.gbf.means.weight"])
def test_a_missing_key_that_tells_a_size_is_named(key: str):
    fewer = weights("finetune")
    del fewer[key]
    with pytest.raises(ValueError, match=f"missing {key}"):
        convert_release(fewer)


def test_a_checkpoint_without_a_head_is_refused():
    headless = {key: value for key, value in weights("finetune").items() if "proj_out" not in key}
    with pytest.raises(ValueError, match="neither pretraining heads"):
        convert_release(headless)


@pytest.mark.parametrize("content", [{"state_dict": {}}, {"model": None}, [1, 2], torch.ones(3)], ids=str)
def test_other_files_are_refused(content: Any, tmp_path: Path):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"other\.pt is not a checkpoint of the release"):
        from_release(tmp_path / "other.pt")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pt"):
        from_release(tmp_path / "nowhere.pt")


def test_given_weights_are_not_written_to():
    given = weights()
    before = {key: value.clone() for key, value in given.items()}
    model = convert_release(given)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    assert all(torch.equal(value, before[key]) for key, value in given.items())


SETTINGS = {"multi_hop_max_dist": 3}


@pytest.mark.parametrize(
    ("content", "length"),
    [
        ({"args": argparse.Namespace(**SETTINGS)}, 3),
        ({"args": SETTINGS}, 3),
        ({"cfg": {"model": SETTINGS}}, 3),
        ({"cfg": {"model": argparse.Namespace(**SETTINGS)}}, 3),
        ({"cfg": {}, "args": argparse.Namespace(**SETTINGS)}, 3),
        ({"args": argparse.Namespace(multi_hop_max_dist=None)}, 5),
    ],
)
def test_the_file_tells_the_hops_where_no_head_does(content: dict[str, Any], length: int, tmp_path: Path):
    model = from_release(written(tmp_path, weights("finetune"), **content))
    assert model.config.max_path_length == length


def test_more_hops_than_the_file_holds_are_refused():
    with pytest.raises(ValueError, match="holds 128 hops"):
        convert_release(weights("finetune"), max_path_length=200)


def test_the_mapping_names_every_key_of_theirs_and_ours():
    rows = release_mapping(golden_data.RELEASE_CHECKPOINT)
    theirs = {key for keys, _, _ in rows for key in keys.split(", ")}
    assert theirs == set(weights())
    ours = [name for _, name, _ in rows if name]
    assert sorted(ours) == sorted(golden_data.pretraining_model().state_dict())
    notes = {name: note for _, name, note in rows}
    assert notes["encoder.atom_embedding.features.weight"] == "174 of 4609 rows"
