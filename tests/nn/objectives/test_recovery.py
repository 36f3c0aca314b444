import golden_data
import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.fields import bond_class_targets
from pyg_moleblend.losses import classification_loss, displacement_loss, distance_loss
from pyg_moleblend.nn import (
    BondPathRecovery,
    DisplacementRecovery,
    DistanceRecovery,
    Objective,
    RecoveryState,
    SPDRecovery,
    constant_blend,
)
from pyg_moleblend.utils import pack

C, R, P = 5, 4, 3
OBJECTIVES: dict[str, Objective] = {
    "spd": SPDRecovery(C, num_classes=4, pair_channels=R),
    "bond_path": BondPathRecovery(C, P, pair_channels=R),
    "bond_path, release": BondPathRecovery(C, P, "release", R),
    "displacement": DisplacementRecovery(C, R),
    "distance": DistanceRecovery(C, R),
}


def state_of(graphs: list[Data]) -> RecoveryState:
    molecules = pack(Batch.from_data_list(graphs), max_path_length=P)
    atoms = torch.randn(*molecules.mask.shape, C, generator=torch.Generator().manual_seed(0))
    bias = torch.zeros(len(graphs), 1, *[1 + molecules.mask.size(1)] * 2)
    return RecoveryState(atoms[:, 0], atoms, bias, molecules, molecules.pos, constant_blend(molecules, 0, 0))


def in_3d(state: RecoveryState) -> Tensor:
    return state.molecules.mask & state.molecules.has_3d[:, None]


@pytest.mark.parametrize(
    ("name", "key"),
    [("spd", "head_shortest_path"), ("bond_path", "head_edge_path"), ("displacement", "head_displacement")],
)
def test_golden_heads(name: str, key: str):
    model, expected = golden_data.pretraining_model(), golden_data.public()[key]
    state = golden_data.blended_state(model)
    counted = state.molecules.pair_mask
    if name == "displacement":
        counted = counted & (expected != 0).any(-1)  # the release writes zero where its loss does not count
        assert counted.sum() == (state.molecules.mask.sum(1) * (state.molecules.mask.sum(1) - 1)).sum()
    golden_data.assert_matches(model.objectives[name](state), expected, counted)


@pytest.mark.parametrize(
    ("name", "key"), [("spd", "spd_loss"), ("bond_path", "edge_loss"), ("displacement", "3d_loss")]
)
def test_golden_losses(name: str, key: str):
    model = golden_data.pretraining_model()
    state, objective = golden_data.blended_state(model), model.objectives[name]
    loss = objective.loss(objective(state), state)
    assert loss.item() == pytest.approx(golden_data.public()["losses"][key], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("spd", (4,)), ("bond_path", (P, 60)), ("bond_path, release", (P, 24)), ("displacement", (3,)), ("distance", ())],
)
def test_shapes(name: str, shape: tuple[int, ...]):
    state = state_of(samples.molecules(3))
    assert OBJECTIVES[name](state).shape == (*state.molecules.pair_mask.shape, *shape)


@pytest.mark.parametrize("name", ["spd", "bond_path", "bond_path, release"])
def test_accuracy_counts_the_pairs_with_a_target(name: str):
    objective, state = samples.randomized(OBJECTIVES[name]), state_of(samples.molecules(5))
    prediction, target = objective(state), objective.target(state)
    hits = [
        row.argmax().item() == wanted
        for row, wanted in zip(prediction.flatten(0, -2), target.flatten().tolist(), strict=True)
        if wanted >= 0
    ]
    total, weight = objective.quality(prediction, state)
    assert (total.item(), weight.item()) == (sum(hits), len(hits))
    assert 0 < sum(hits) < len(hits)
    assert objective.loss(prediction, state) == classification_loss(prediction, target)


@pytest.mark.parametrize("vocabulary", ["ogb", "release"])
def test_bond_targets_are_those_of_the_vocabulary(vocabulary: str):
    objective, graph = BondPathRecovery(C, P, vocabulary, R), samples.molecules(4)[3]
    graph.edge_attr[:2] = torch.tensor([4, 5, 0])  # a bond that the release does not know, in both directions
    state = state_of([graph])
    paths = state.molecules.pairs["bond_path"]
    target = objective.target(state)
    expected = [bond_class_targets(vocabulary)[value].item() for value in paths.flatten().tolist()]
    assert target.flatten().tolist() == expected
    unknown = paths == 4 * 12 + 5 * 2 + 1
    assert unknown.any()
    assert (target[unknown] == (58 if vocabulary == "ogb" else -1)).all()


@pytest.mark.parametrize(("name", "loss"), [("displacement", displacement_loss), ("distance", distance_loss)])
def test_3d_objectives_leave_out_molecules_without_coordinates(name: str, loss):
    objective, state = samples.randomized(OBJECTIVES[name]), state_of(samples.molecules(4))
    partly = state._replace(molecules=state.molecules._replace(has_3d=torch.tensor([True, True, False, True])))
    prediction = objective(state)
    assert objective.loss(prediction, state) == loss(prediction, state.molecules.pos, in_3d(state))
    assert objective.loss(prediction, partly) == loss(prediction, state.molecules.pos, in_3d(partly))
    assert objective.loss(prediction, partly) != objective.loss(prediction, state)


@pytest.mark.parametrize("name", ["displacement", "distance"])
def test_quality_of_a_batch_is_that_of_its_molecules(name: str):
    r"""Every molecule with a pair weighs the same; lone atoms and atoms on one point have nothing to predict."""
    objective = samples.randomized(OBJECTIVES[name])
    graphs = [*samples.molecules(4), samples.methane_like(pos=torch.ones(2, 3))]
    state = state_of(graphs)
    prediction = objective(state)
    losses = []
    for b, graph in enumerate(graphs):
        size = graph.num_nodes
        coincide = b == 4 and name == "displacement"
        if size > 1 and not coincide:
            single = state_of([graph])
            losses.append(objective.loss(prediction[b : b + 1, :size, :size], single).item())
    total, weight = objective.quality(prediction, state)
    assert weight.item() == len(losses)
    expected = sum(1 - loss for loss in losses) if name == "displacement" else sum(losses)
    assert total.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_lone_atom_has_nothing_to_count(name: str):
    objective = samples.randomized(OBJECTIVES[name])
    state = state_of([samples.methane_like(pos=torch.zeros(1, 3))])
    prediction = objective(state)
    assert objective.loss(prediction, state) == 0
    assert objective.quality(prediction, state) == (0, 0)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_reset_draws_fresh_weights(name: str):
    objective = samples.randomized(OBJECTIVES[name])
    objective.reset_parameters()
    assert not objective.head.bias.any()
