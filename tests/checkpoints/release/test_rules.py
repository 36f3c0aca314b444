import pytest
import samples
import torch

from pyg_moleblend.checkpoints.release.rules import encoder_rules, pretraining_rules, property_rules
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining, MoleBlendForPropertyPrediction

SIZES = {"channels": 12, "num_layers": 2, "ffn_channels": 10, "num_gaussians": 7}


def config(**changes: object) -> MoleBlendConfig:
    return MoleBlendConfig(**{**SIZES, "heads": 3, **changes})


def built(rules: list) -> dict[str, torch.Tensor]:
    return {rule.target: rule.build(*(torch.randn(shape) for _, shape in rule.sources)) for rule in rules}


@pytest.mark.parametrize("changes", [{}, {"heads": 1}, {"num_gaussians": 1}, {"max_path_length": 2}, {"num_layers": 1}])
def test_rules_fill_every_weight_in_its_shape(changes: dict):
    sizes = config(**changes)
    objectives = samples.tiny_objectives(sizes, vocabulary="release", pair_channels=4)
    pretraining = MoleBlendForPretraining(sizes, objectives=objectives)
    models = {
        pretraining: pretraining_rules(sizes, inner=6, num_spd_classes=11, pair_channels=4),
        MoleBlendForPropertyPrediction(sizes, 2): property_rules(sizes, 2),
    }
    for model, rules in models.items():
        weights = built(encoder_rules(sizes, hops=9) + rules)
        assert {name: value.shape for name, value in weights.items()} == {
            name: value.shape for name, value in model.state_dict().items()
        }


def test_rows_of_tables_are_where_the_release_has_them():
    rules = {rule.target.removeprefix("encoder."): rule for rule in encoder_rules(config(), hops=9)}

    def numbered(target: str, rows: int, width: int) -> torch.Tensor:
        table = torch.arange(rows).float()[:, None].expand(rows, width)
        return rules[target].build(*[table] * len(rules[target].sources))[..., 0]

    features = numbered("atom_embedding.features.weight", 4609, 12)
    assert features[0] == 2  # feature 0 of value 0
    assert features[119] == 2 + 512  # feature 1 of value 0
    assert features[-1] == 1 + 8 * 512 + 2  # feature 8 of value 1
    bonds = numbered("attention_bias.blend.relations.bond_path.features.weight", 1537, 3)
    assert [bonds[0], bonds[5], bonds[11]] == [3, 512 + 3, 1024 + 3]
    spd = numbered("attention_bias.blend.relations.spd.table.weight", 512, 3)
    assert [spd[0], spd[254], spd[255]] == [1, 255, 511]  # self, 254 hops, unreachable
    degree = numbered("atom_embedding.degree.weight", 512, 12)
    assert [degree[0], degree[4]] == [2 * 1, 2 * 5]  # the sum of two tables


def test_displacement_head_is_the_product_of_two_linear_maps():
    rules = {rule.target: rule for rule in pretraining_rules(config(), inner=6, num_spd_classes=11, pair_channels=4)}
    inner = torch.nn.Linear(16, 6)
    outer = [torch.nn.Linear(6, 1) for _ in range(3)]
    weights, biases = [linear.weight for linear in outer], [linear.bias for linear in outer]
    weight = rules["objectives.displacement.head.weight"].build(inner.weight, *weights)
    bias = rules["objectives.displacement.head.bias"].build(inner.bias, *weights, *biases)
    features = torch.randn(5, 16)
    expected = torch.cat([linear(inner(features)) for linear in outer], dim=-1)
    torch.testing.assert_close(features @ weight.flatten(1).T + bias, expected)
