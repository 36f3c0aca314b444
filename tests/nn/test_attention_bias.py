import golden_data
import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from pyg_moleblend.models.wanted import wanted_by
from pyg_moleblend.nn import AttentionBias, RelationBias, RelationBlend
from pyg_moleblend.nn.attention_bias import shut_padded_keys
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.utils import DenseMolecules, pack


class Constant(RelationBias):
    r"""The same number everywhere; the simplest relation there is."""

    def __init__(self, value: float, modality: str = "2d") -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(float(value)))
        self.modality = modality
        self.pair_fields = (f"field{value:.0f}",)

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.value)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        B, N = molecules.mask.shape
        return self.value.expand(B, 2, N, N)


def constants() -> dict[str, RelationBias]:
    return {"one": Constant(1), "two": Constant(2), "four": Constant(4, "3d"), "eight": Constant(8)}


def molecules() -> DenseMolecules:
    return pack(Batch.from_data_list(samples.molecules(3)))


def test_golden_graph_token_bias():
    bias = golden_data.pretraining_model().encoder.attention_bias
    molecules = golden_data.packed(golden_data.pretraining_model())
    nothing = torch.zeros_like(molecules.has_2d)
    token_only = bias(molecules._replace(has_2d=nothing, has_3d=nothing))
    torch.testing.assert_close(token_only, golden_data.public()["bias_token"], rtol=0, atol=1e-7)


@pytest.mark.parametrize("modality", ["2d+3d", "2d"])
def test_golden_total_bias(modality: str):
    golden, model = golden_data.public(), golden_data.pretraining_model()
    total = model.encoder.attention_bias(golden_data.packed(model, modality))
    expected = golden["bias_token"].clone()
    expected[:, :, 1:, 1:] += golden["bias_shortest_path"] + golden["bias_edge_path"]
    if modality == "2d+3d":
        expected[:, :, 1:, 1:] += golden["bias_distance"]
    real = golden_data.pair_mask(golden_data.token_mask())
    golden_data.assert_matches(total.permute(0, 2, 3, 1), expected.permute(0, 2, 3, 1), real)


def test_relations_are_summed_unless_one_is_chosen():
    blend, packed = RelationBlend(constants(), 2), molecules()
    assert (blend(packed) == 1 + 2 + 4 + 8).all()
    chosen = torch.randint(0, 4, packed.pair_mask.shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(blend(packed, chosen), (2.0**chosen)[:, None].expand(-1, 2, -1, -1))


def test_relations_of_an_absent_modality_are_left_out_molecule_by_molecule():
    blend, packed = RelationBlend(constants(), 2), molecules()
    packed = packed._replace(has_3d=torch.tensor([True, False, True]), has_2d=torch.tensor([True, True, False]))
    assert [value.unique().item() for value in blend(packed)] == [15, 11, 4]
    chosen = torch.full(packed.pair_mask.shape, 2)
    assert [value.unique().item() for value in blend(packed, chosen)] == [4, 0, 4]


def test_names_modalities_and_fields_are_in_the_order_that_numbers_them():
    blend = RelationBlend(constants(), 2)
    assert list(blend.modalities.items()) == [("one", "2d"), ("two", "2d"), ("four", "3d"), ("eight", "2d")]
    assert [name for name, _ in blend.items()] == list(blend.modalities)
    assert [relation.pair_fields for _, relation in blend.items()] == [
        ("field1",), ("field2",), ("field4",), ("field8",)
    ]  # fmt: skip
    assert wanted_by(relation for _, relation in blend.items()).pair_fields == {"field1", "field2", "field4", "field8"}


def test_a_modality_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"relation 'odd' must be one of \('2d', '3d'\), got '4d'"):
        RelationBlend({"one": Constant(1), "odd": Constant(2, "4d")}, 2)


def test_whole_modalities_and_none_may_be_chosen():
    blend, packed = RelationBlend(constants(), 2), molecules()
    for code, expected in {-1: 0, -2: 15, -3: 11, -4: 4}.items():
        assert (blend(packed, torch.full(packed.pair_mask.shape, code)) == expected).all()


def test_relations_of_a_modality_that_no_molecule_has_are_not_computed(monkeypatch: pytest.MonkeyPatch):
    blend, packed = RelationBlend(constants(), 2), molecules()
    only_2d = packed._replace(has_3d=torch.zeros_like(packed.has_3d), modalities=("2d",))
    whole = blend(only_2d._replace(modalities=("2d", "3d")))
    monkeypatch.setattr(blend.relations["four"], "forward", lambda molecules: pytest.fail("was computed"))
    assert torch.equal(blend(only_2d), whole)
    assert (blend(only_2d) == 11).all()
    nothing = RelationBlend({"four": Constant(4, "3d")}, 2)(only_2d)
    assert not nothing.any()
    assert nothing.shape == (3, 1, *packed.pair_mask.shape[1:])


def test_graph_token_has_the_first_row_and_column_once():
    bias, packed = AttentionBias({"one": Constant(1)}, heads=2), molecules()
    bias.blend.relations["one"].value.data.fill_(1)
    bias.graph_token.data = torch.tensor([10.0, 20.0])
    output, tokens = bias(packed), 1 + packed.mask.size(1)
    assert output.shape == (3, 2, tokens, tokens)
    for b, size in enumerate(packed.mask.sum(1).tolist()):
        for h, token in enumerate((10.0, 20.0)):
            expected = torch.ones(tokens, tokens)
            expected[0], expected[:, 0] = token, token
            expected[:, 1 + size :] = float("-inf")
            assert torch.equal(output[b, h], expected)


def test_padded_keys_are_shut_for_every_query():
    mask = torch.tensor([[True, False, True]])
    bias = torch.ones(1, 2, 3, 3)
    shut = shut_padded_keys(bias, mask)
    assert (bias == 1).all()
    assert torch.equal(shut[..., 1], torch.full((1, 2, 3), float("-inf")))
    assert (shut[..., [0, 2]] == 1).all()


def test_reset_reaches_every_relation():
    bias = AttentionBias(constants(), heads=2)
    bias.reset_parameters()
    assert all(relation.value == 0 for _, relation in bias.blend.items())


def test_relations_come_with_the_weights_they_have():
    bias = AttentionBias(constants(), heads=2)
    assert [relation.value.item() for _, relation in bias.blend.items()] == [1, 2, 4, 8]


def test_no_relation_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one relation"):
        RelationBlend({}, 2)


def test_a_bias_of_another_shape_is_named():
    class Turned(Constant):
        def forward(self, molecules: DenseMolecules) -> Tensor:
            return super().forward(molecules).permute(0, 2, 3, 1)

    packed = molecules()
    B, N = packed.mask.shape
    with pytest.raises(ValueError, match=rf"'two' must give \[B, H, N, N\] = \[{B}, 2, {N}, {N}\], got"):
        RelationBlend({"one": Constant(1), "two": Turned(2)}, 2)(packed)
    with pytest.raises(ValueError, match=rf"'one' .* = \[{B}, 4, {N}, {N}\], got \[{B}, 2, {N}, {N}\]"):
        AttentionBias({"one": Constant(1)}, heads=4)(packed)


def test_gradients_equal_finite_differences():
    model = golden_data.pretraining_model().double()
    bias, packed = model.encoder.attention_bias, pack(samples.in_double(samples.molecules(1)[0]))
    basis = model.encoder.gaussians(pair_distances(packed.pos), packed.x[..., 0]).detach()
    packed = packed.with_pair(GAUSSIANS, basis)
    assert samples.gradcheck_parameters(bias, lambda: bias(packed))


class Shaped(RelationBias):
    def __init__(self, heads: int, shape: str) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, molecules: DenseMolecules) -> Tensor:
        B, N = molecules.mask.shape
        return torch.ones([{"B": B, "N": N, "H": 4, "1": 1, "2": 2}[letter] for letter in self.shape])


@pytest.mark.parametrize("shape", ["BNN", "HNN", "NN", "BNNH", "BH", "B2NN"])
def test_a_bias_of_another_shape_is_refused_with_its_relations_name(shape: str):
    bias = AttentionBias({"odd": Shaped(4, shape)}, heads=4)
    with pytest.raises(ValueError, match=r"relation 'odd' must give \[B, H, N, N\] = \[\d+, 4, \d+, \d+\], got"):
        bias(molecules())


@pytest.mark.parametrize("shape", ["BHNN", "1HNN", "B1NN"])
def test_a_bias_may_be_one_for_all_molecules_or_heads(shape: str):
    packed = molecules()
    given = AttentionBias({"odd": Shaped(4, shape)}, heads=4).blend(packed)
    assert torch.equal(
        given.expand(len(packed.mask), 4, -1, -1), torch.ones_like(given).expand(len(packed.mask), 4, -1, -1)
    )
