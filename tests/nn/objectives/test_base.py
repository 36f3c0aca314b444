import pytest
import samples
import torch
from torch import Tensor, nn

from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import Objective, Outcome, Quality, RecoveryState
from pyg_moleblend.nn.objectives.base import checked_outcome


def test_an_objective_must_say_everything():
    class Incomplete(Objective):
        def forward(self, state: object) -> torch.Tensor:
            return torch.zeros(())

    with pytest.raises(TypeError, match=r"loss.*quality"):
        Incomplete()


class Size(Objective):
    r"""Predicts the number of atoms from the graph token: the least that an objective must say."""

    graph_fields = ("size",)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Linear(channels, channels), nn.Dropout(0.1), nn.Linear(channels, 1))

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.graph)[:, 0]

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        return (prediction - state.molecules.graphs["size"]).square().mean()

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        error = (prediction - state.molecules.graphs["size"]).abs()
        return Quality(error.sum(), torch.tensor(len(error)))


def test_children_are_reset_unless_a_subclass_says_otherwise():
    objective = Size(4)
    before = [value.clone() for value in objective.parameters()]
    objective.reset_parameters()
    assert not any(torch.equal(old, new) for old, new in zip(before, objective.parameters(), strict=True))


def test_an_objective_reads_the_graph_token_and_graph_fields():
    config, graphs = samples.tiny_config(), samples.molecules(4)
    for graph in graphs:
        graph.size = torch.tensor([float(graph.num_nodes)])
    model = MoleBlendForPretraining(config, objectives={"size": Size(config.channels)}).eval()
    batch = samples.batch_of(graphs)
    output = model(batch)
    error = output.predictions["size"] - batch.ptr.diff()
    assert output.losses["size"].item() == pytest.approx(error.square().mean().item())
    assert output.loss.item() == pytest.approx(output.losses["size"].item())  # a weight of 1
    assert output.qualities["size"].total.item() == pytest.approx(error.abs().sum().item())
    del batch.size
    with pytest.raises(ValueError, match="graph field 'size'"):
        model(batch)


def test_judge_and_evaluate_are_loss_and_quality_without_its_gradient():
    objective, graph = Size(4), torch.randn(3, 4, requires_grad=True)
    molecules = samples.packed_with({"size": torch.tensor([1.0, 2.0, 3.0])}, 3)
    state = RecoveryState(graph, torch.zeros(3, 1, 4), torch.zeros(3, 1, 2, 2), molecules, molecules.pos, None)
    objective.eval()
    prediction = objective(state)
    for loss, quality in (objective.judge(prediction, state), objective.evaluate(state)):
        assert loss == objective.loss(prediction, state)
        assert loss.requires_grad
        assert quality == objective.quality(prediction, state)
        assert not quality.total.requires_grad


def test_quality_is_a_sum_with_its_weight():
    total, weight = Quality(torch.tensor(3.0), torch.tensor(2))
    assert (total / weight).item() == 1.5


LOSS = torch.tensor(1.0)


def test_numbers_of_a_quality_become_tensors():
    outcome = checked_outcome("own", Outcome(LOSS, Quality(2.0, 3)))
    assert [value.item() for value in outcome.quality] == [2.0, 3.0]
    assert all(isinstance(value, torch.Tensor) for value in outcome.quality)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (
            Outcome(torch.ones(4), Quality(LOSS, LOSS)),
            r"the loss of objective 'own' must be a scalar tensor, got shape",
        ),
        (Outcome(1.0, Quality(LOSS, LOSS)), "the loss of objective 'own' must be a scalar tensor, got float"),
        (Outcome(LOSS, Quality(torch.ones(2), LOSS)), r"the quality of objective 'own' must be two scalars"),
        (Outcome(LOSS, None), r"objective 'own' must give a loss and a Quality\(total, weight\)"),
        (LOSS, r"objective 'own' must give a loss and a Quality"),
    ],
    ids=["losses", "number", "qualities", "none", "loss-alone"],
)
def test_what_is_no_outcome_is_refused_with_the_objectives_name(outcome: object, message: str):
    with pytest.raises(ValueError, match=message):
        checked_outcome("own", outcome)
