import golden_data
import pytest
import torch

from pyg_moleblend.checkpoints.release.reference import ReleaseReference


def references(kind):
    r"""The reference's values for each molecule of the golden file, whose relations are the release's own."""
    golden = golden_data.public()
    reference = ReleaseReference(golden[f"{kind}_state_dict"])
    for case in golden_data.relation_cases()[: len(golden["graphs"])]:
        kind_of_bond, stereo, conjugated = case.bonds.unbind(-1)
        path = torch.where(kind_of_bond < 0, 0, 1 + kind_of_bond * 12 + stereo * 2 + conjugated)
        yield reference(case.graph.x, case.degree, case.graph.pos, case.spd, path)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("spd bias", "bias_shortest_path"),
        ("bond_path bias", "bias_edge_path"),
        ("distance bias", "bias_distance"),
        ("degree", "degree_feature"),
        ("3d atom feature", "distance_atom_feature"),
        ("denoising prediction", "denoise_2d3d"),
    ],
)
def test_the_releases_own_numbers(name, key):
    golden = golden_data.public()[key]
    for molecule, values in enumerate(references("pretrain")):
        value = values[name]
        value, size = (value.permute(2, 0, 1) if name.endswith("bias") else value), len(values["atom states"])
        expected = golden[molecule]
        if name.endswith("bias"):
            expected = expected[:, :size, :size]
        else:
            expected = expected[-golden_data.atom_mask().size(1) :][:size]
        golden_data.assert_matches(value, expected.double())


def test_states_and_predictions():
    golden = golden_data.public()
    states = golden["encoder_2d3d"][-1]
    for molecule, values in enumerate(references("pretrain")):
        golden_data.assert_matches(values["graph state"], states[molecule, 0].double())
        golden_data.assert_matches(values["atom states"], states[molecule, 1:][: len(values["atom states"])].double())
    logits = torch.stack([values["property prediction"] for values in references("finetune")])
    golden_data.assert_matches(logits, golden["finetune_logits_2d3d"].double())
