import pytest
import samples
import torch
from torch_geometric.data import Batch

from benchmarks import model_runs, model_speed


@pytest.mark.parametrize("part", ["step", "forward"])
def test_rates_and_ratios_of_a_tiny_model(part, monkeypatch: pytest.MonkeyPatch):
    config = samples.tiny_config()
    monkeypatch.setitem(model_runs.CONFIGS, "tiny", config)
    monkeypatch.setattr(model_speed, "measure_apart", lambda name, part, way, smiles: len(smiles))
    monkeypatch.setattr(model_runs, "BATCH_SIZE", 2)
    measured = model_speed.measure_model("tiny", part, ["CCO", "C", "CC", "c1ccccc1"] * 2, batches=3)
    rates = {name: result["molecules_per_s"] for name, result in measured["results"].items()}
    of_steps = {"ours, all bonds", "ours, checkpointing"}
    assert rates.keys() == {"ours", "plain", "plain, bucketed"} | (of_steps if part == "step" else set())
    assert measured["mean_atoms"] == pytest.approx(3, abs=2)
    assert measured["ratio"] == rates["ours"] / rates["plain"]
    assert measured["ratio_same_batches"] == rates["ours"] / rates["plain, bucketed"]
    assert measured["results"]["ours"]["peak_bytes"] == 8


def test_useful_operations_are_those_of_real_tokens():
    config = samples.tiny_config()
    batch = Batch.from_data_list(samples.molecules(3))
    tokens = batch.num_nodes + 3
    layers = [torch.nn.Linear(*shape).weight.numel() for shape in [(config.channels, config.channels)] * 4]
    weights = config.num_layers * (sum(layers) + 2 * config.channels * config.ffn_channels)
    assert model_speed.encoder_flops(config, batch, "forward") == 2 * tokens * weights
    assert model_speed.encoder_flops(config, batch, "step") == 6 * tokens * weights
