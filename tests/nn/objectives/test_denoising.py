import golden_data
import pytest
import torch

from pyg_moleblend.nn import Denoising


def test_only_atoms_that_entered_with_their_geometry_count():
    model = golden_data.pretraining_model()
    state = golden_data.blended_state(model)
    objective = model.objectives["denoising"]
    has_3d = torch.arange(11) % 3 != 0
    state = state._replace(molecules=state.molecules._replace(has_3d=has_3d))
    prediction = objective(state)
    cosines = []
    for b, i in state.molecules.mask.nonzero().tolist():
        if has_3d[b] and state.blend.atom_feature[b, i] == 1:
            cosines.append(torch.cosine_similarity(prediction[b, i], state.blend.pos_noise[b, i], dim=0).item())
    assert 0 < len(cosines) < state.molecules.mask.sum()
    assert objective.loss(prediction, state).item() == pytest.approx(1 - sum(cosines) / len(cosines), rel=1e-5)
    total, weight = objective.quality(prediction, state)
    assert total.item() == pytest.approx(sum(cosines), rel=1e-4)
    assert weight.item() == len(cosines)


@pytest.mark.parametrize(("code", "counts"), [(0, False), (1, True), (-1, False), (-2, True), (-3, False), (-4, True)])
def test_whole_modalities_count_where_the_geometry_is_among_them(code: int, counts: bool):
    model = golden_data.pretraining_model()
    state = golden_data.blended_state(model)
    chosen = torch.full_like(state.blend.atom_feature, code)
    state, objective = state._replace(blend=state.blend._replace(atom_feature=chosen)), model.objectives["denoising"]
    weight = objective.quality(objective(state), state).weight
    assert weight == (state.molecules.mask & state.molecules.has_3d[:, None]).sum() * counts


def test_nothing_to_count():
    model = golden_data.pretraining_model()
    state = golden_data.blended_state(model)
    state = state._replace(blend=state.blend._replace(atom_feature=torch.zeros_like(state.blend.atom_feature)))
    objective = model.objectives["denoising"]
    prediction = objective(state)
    assert objective.loss(prediction, state) == 0
    assert objective.quality(prediction, state) == (0, 0)


def test_reset_draws_fresh_weights():
    objective = Denoising(channels=8, heads=2)
    objective.head.bias.data.fill_(3)
    before = objective.head.axes.clone()
    objective.reset_parameters()
    assert not objective.head.bias.any()
    assert not torch.equal(objective.head.axes, before)
