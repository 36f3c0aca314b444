from collections.abc import Callable

import pytest
import samples
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode
from torch_geometric.data import Batch, Data

from pyg_moleblend.models import (
    MoleBlendConfig,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_objectives,
    estimate_flops,
    estimate_memory,
)
from pyg_moleblend.models.cost import PAPER_PAIR_OUTPUTS
from pyg_moleblend.nn import BondPathRecovery, DistanceRecovery


def kept_bytes(loss: Callable[[], torch.Tensor]) -> int:
    r"""What a step's forward pass has allocated and not freed."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        value = loss()
    assert value.requires_grad
    return sum(event.self_cpu_memory_usage for event in profiler.events())


def pair_outputs(model: MoleBlendForPretraining) -> int:
    return sum(objective.pair_outputs for _, objective in model.items())


def test_pair_outputs_are_the_numbers_of_the_predictions():
    model = MoleBlendForPretraining(samples.tiny_config())
    predictions = model(samples.molecules(1)[0]).predictions
    numbers = {name: value[0, 0, 0].numel() for name, value in predictions.items() if value.dim() > 3}
    assert {name: objective.pair_outputs for name, objective in model.items() if objective.pair_outputs} == numbers
    assert pair_outputs(model) == PAPER_PAIR_OUTPUTS


@pytest.mark.parametrize(("count", "repeat", "activation_checkpointing"), [(8, 1, False), (1, 6, False), (1, 6, True)])
def test_the_estimate_is_near_what_a_step_keeps(count: int, repeat: int, activation_checkpointing: bool):
    config = MoleBlendConfig(channels=64, num_layers=4, heads=8, ffn_channels=64, num_gaussians=32)
    model = MoleBlendForPretraining(config).train()
    model.encoder.activation_checkpointing = activation_checkpointing
    graph = max(samples.molecules(11), key=lambda graph: graph.num_nodes)
    whole = Batch.from_data_list([graph] * repeat)  # the parts are fragments of one large molecule
    molecule = Data(x=whole.x, edge_index=whole.edge_index, edge_attr=whole.edge_attr, pos=whole.pos)
    estimate = estimate_memory(config, count, molecule.num_nodes, True, activation_checkpointing, pair_outputs(model))
    batch = Batch.from_data_list([molecule] * count)
    kept = kept_bytes(lambda: model.step(batch).loss)
    assert 0.5 * kept < estimate < 5 * kept


def test_activation_checkpointing_keeps_much_less_of_the_layers():
    config = MoleBlendConfig(channels=64, num_layers=12, heads=8, ffn_channels=64, num_gaussians=8)
    model, kept = MoleBlendForPropertyPrediction(config, 1).train(), []
    batch = Batch.from_data_list(samples.molecules(8))
    for activation_checkpointing in (False, True):
        model.encoder.activation_checkpointing = activation_checkpointing
        kept.append(kept_bytes(lambda: model(batch).sum()))
    assert kept[1] < 0.7 * kept[0]


def test_fine_tuning_keeps_nothing_of_the_recovery_heads():
    config = MoleBlendConfig(channels=64, num_layers=4, heads=8, ffn_channels=64, num_gaussians=32)
    model = MoleBlendForPropertyPrediction(config, 1).train()
    graph = max(samples.molecules(11), key=lambda graph: graph.num_nodes)
    batch = Batch.from_data_list([graph] * 8)
    kept = kept_bytes(lambda: model(batch).sum())
    assert kept < estimate_memory(config, 8, graph.num_nodes, True) < 2 * kept
    assert estimate_memory(config, 8, graph.num_nodes, True, pair_outputs=PAPER_PAIR_OUTPUTS) > 2 * kept


def test_the_estimate_grows_with_the_square_of_the_largest_molecule_and_shrinks_with_checkpointing():
    config = MoleBlendConfig.paper()
    assert estimate_memory(config, 1, 4000, True) == pytest.approx(16 * estimate_memory(config, 1, 1000, True), rel=0.2)
    assert estimate_memory(config, 1, 512, True, True) < 0.8 * estimate_memory(config, 1, 512, True)
    assert estimate_memory(config, 1, 512, False) < estimate_memory(config, 1, 512, True, True)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_flops_are_those_that_torch_counts(training: bool, own: bool):
    config = MoleBlendConfig(channels=64, num_layers=3, heads=8, ffn_channels=96, num_gaussians=32)
    objectives = default_objectives(config)
    if own:
        objectives["bond_path"] = BondPathRecovery(64, config.max_path_length, "release")
        objectives["distance"] = DistanceRecovery(64)
        del objectives["displacement"]
    model = MoleBlendForPretraining(config, objectives=objectives).train(training)
    graph = max(samples.molecules(11), key=lambda graph: graph.num_nodes)
    molecules = model.pack(Batch.from_data_list([graph] * 4))
    blend = model.draw_blend(molecules)
    # Of the fused attention on the CPU nothing is counted.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.set_grad_enabled(training):
        if training:
            model.score(molecules, blend).loss.backward()
        else:
            model.encoder.encode(molecules)
    size, published = (config, 4, graph.num_nodes, training), estimate_flops(config, 4, graph.num_nodes, training)
    estimate = estimate_flops(*size, pair_outputs=pair_outputs(model))
    assert (estimate == published) == (not own or not training)
    assert counter.get_total_flops() == pytest.approx(estimate, rel=0.05)
