import pytest
import samples
import torch
from torch_geometric.data import Batch

import pyg_moleblend.models.memory as memory
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    estimate_memory,
)
from pyg_moleblend.models.cost import PAPER_PAIR_OUTPUTS


@pytest.mark.parametrize("kind", [MoleBlend, MoleBlendForPretraining])
def test_a_batch_that_cannot_fit_is_refused_and_its_largest_molecule_named(kind: type, monkeypatch: pytest.MonkeyPatch):
    graphs = samples.molecules(4)
    largest = max(range(4), key=lambda number: graphs[number].num_nodes)
    for number, graph in enumerate(graphs):
        graph.smiles = f"molecule-{number}"
    model, batch = kind(samples.tiny_config()), Batch.from_data_list(graphs)
    monkeypatch.setattr(memory, "ALWAYS_FITS", 0)
    monkeypatch.setattr(memory, "available_memory", lambda device: 1000)
    with pytest.raises(MemoryError, match=rf"training step .* molecule {largest} \(molecule-{largest}\).*max_pairs"):
        model(batch)
    with torch.no_grad(), pytest.raises(MemoryError, match="forward pass"):
        model(batch)
    monkeypatch.setattr(memory, "available_memory", lambda device: 10**12)
    model(batch)


def test_an_encoder_alone_needs_no_memory_for_recovery(monkeypatch: pytest.MonkeyPatch):
    graphs, config = samples.molecules(4), samples.tiny_config()
    size, batch = (4, max(graph.num_nodes for graph in graphs), True), Batch.from_data_list(graphs)
    encoding = estimate_memory(config, *size)
    assert encoding < 0.9 * estimate_memory(config, *size, pair_outputs=PAPER_PAIR_OUTPUTS)
    monkeypatch.setattr(memory, "ALWAYS_FITS", 0)
    monkeypatch.setattr(memory, "available_memory", lambda device: encoding)
    MoleBlendForPropertyPrediction(config, 1)(batch)
    with pytest.raises(MemoryError):
        MoleBlendForPretraining(config)(batch)
    monkeypatch.setattr(memory, "available_memory", lambda device: encoding - 1)
    with pytest.raises(MemoryError):
        MoleBlendForPropertyPrediction(config, 1)(batch)


def test_free_memory_of_the_cpu_is_known():
    assert 0 < memory.available_memory(torch.device("cpu")) < 2**50
