r"""A relation of one's own, in bias, blend and objective, without a change to the package."""

import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform
from torch_geometric.utils import to_dense_adj

from pyg_moleblend.losses import masked_mean
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendConfig,
    MoleBlendForPretraining,
    default_objectives,
    default_relations,
)
from pyg_moleblend.nn import Objective, PairBlending, PairHead, Quality, RecoveryState, RelationBias, constant_blend
from pyg_moleblend.utils import DenseMolecules


class AddResistance(BaseTransform):
    r"""Attaches the resistance distance of every pair, ``[N * N]``: bonds are resistors of one ohm."""

    def forward(self, data: Data) -> Data:
        adjacency = to_dense_adj(data.edge_index, max_num_nodes=data.num_nodes)[0]
        inverse = torch.linalg.pinv(adjacency.sum(0).diag() - adjacency)
        diagonal = inverse.diagonal()
        data.resistance = (diagonal[:, None] + diagonal - inverse - inverse.T).flatten()
        return data


class ResistanceBias(RelationBias):
    pair_fields = ("resistance",)

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.empty(heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.slope)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return self.slope[:, None, None] * molecules.pairs["resistance"][:, None]


class ResistanceRecovery(Objective):
    pair_fields = ("resistance",)
    quality_name = "mae"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.head = PairHead(channels, 1)

    def reset_parameters(self) -> None:
        self.head.reset_parameters()

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.atoms).squeeze(-1)

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        error = (prediction - state.molecules.pairs["resistance"]).abs()
        return masked_mean(error, state.molecules.pair_mask)

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        count = state.molecules.pair_mask.sum()
        return Quality(self.loss(prediction, state) * count, count)


PROBABILITIES = {"spd": 0.1, "bond_path": 0.2, "distance": 0.3, "resistance": 0.4}


def config(**changes: object) -> MoleBlendConfig:
    return samples.tiny_config(**changes)


def model_of(config: MoleBlendConfig) -> MoleBlendForPretraining:
    relations = {**default_relations(config), "resistance": ResistanceBias(config.heads)}
    objectives = {**default_objectives(config), "resistance": ResistanceRecovery(config.channels)}
    encoder, blending = MoleBlend(config, relations), PairBlending(PROBABILITIES)
    return MoleBlendForPretraining(config, encoder, objectives, blending, {"resistance": 2.0})


def batch() -> Batch:
    return Batch.from_data_list([AddResistance()(graph) for graph in samples.molecules()])


@pytest.mark.parametrize(
    ("bonds", "expected"),
    [([[0, 1], [1, 2]], [0, 1, 2]), ([[0, 1], [1, 2], [2, 0]], [0, 2 / 3, 2 / 3])],
    ids=["chain", "triangle"],
)
def test_resistances_are_right(bonds: list[list[int]], expected: list[float]):
    r"""Two bonds in series are 2 ohms; the two ways around a triangle are 1 and 2 ohms in parallel."""
    edges = torch.tensor(bonds).T
    data = samples.methane_like(pos=torch.zeros(3, 3), edge_index=torch.cat([edges, edges.flip(0)], dim=1))
    assert AddResistance()(data).resistance.view(3, 3)[0].tolist() == pytest.approx(expected, abs=1e-5)


def test_it_enters_where_it_is_drawn():
    model = samples.randomized(model_of(config()))
    molecules = model.pack(batch())
    output = model.encoder.encode(molecules, constant_blend(molecules, relation=3, atom_feature=0))
    expected = model.encoder.attention_bias.blend.relations["resistance"](molecules)
    real = molecules.pair_mask
    assert torch.equal(output.bias[:, :, 1:, 1:].permute(0, 2, 3, 1)[real], expected.permute(0, 2, 3, 1)[real])


def test_it_is_drawn_with_its_probability():
    model = model_of(config())
    assert list(model.modalities) == ["spd", "bond_path", "distance", "resistance"]
    drawn = model.draw_blend(model.pack(Batch.from_data_list(batch().to_data_list() * 20))).relation
    frequencies = torch.bincount(drawn.flatten(), minlength=4) / drawn.numel()
    assert frequencies.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.02)


def test_its_loss_has_its_weight():
    output = model_of(config())(batch())
    weights = {"spd": 0.1, "bond_path": 0.1, "displacement": 0.5, "denoising": 6.0, "resistance": 2.0}
    expected = sum(weights[name] * loss.item() for name, loss in output.losses.items())
    assert output.loss.item() == pytest.approx(expected)


def test_two_training_steps_change_its_loss_and_weights():
    torch.manual_seed(0)
    model = model_of(config()).eval()  # without dropout, so that the same blend is learnt in every step
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    before = model.encoder.attention_bias.blend.relations["resistance"].slope.detach().clone()
    losses = []
    for _ in range(3):
        output = model(batch(), generator=torch.Generator().manual_seed(0))
        losses.append(output.losses["resistance"].item())
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
    assert losses[0] > losses[1] > losses[2] > 0
    assert not torch.equal(model.encoder.attention_bias.blend.relations["resistance"].slope, before)
    assert set(output.predictions) == {"spd", "bond_path", "displacement", "denoising", "resistance"}
    total, weight = output.qualities["resistance"]
    assert (total / weight).item() == pytest.approx(losses[-1], rel=1e-5)


def test_the_encoder_reads_it_without_blending():
    model, with_field = samples.randomized(model_of(config())).encoder, batch()
    output = model(with_field).graph
    halved = with_field.clone()
    halved.resistance = 0.5 * with_field.resistance
    assert not torch.allclose(model(halved).graph, output)
    del halved.resistance
    with pytest.raises(ValueError, match="resistance"):
        model(halved)


def test_it_may_be_the_only_relation():
    only = samples.tiny_config()
    model = MoleBlendForPretraining(
        only,
        MoleBlend(only, {"resistance": ResistanceBias(only.heads)}),
        {"resistance": ResistanceRecovery(only.channels)},
        PairBlending({"resistance": 1.0}),
        {"resistance": 1.0},
    )
    assert model(batch()).loss.isfinite()
    assert model.pack(batch()).pairs.keys() == {"resistance"}
