import pytest
import samples
import torch
from torch_geometric.data import Batch

import pyg_moleblend.models.memory as memory
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining


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


def test_free_memory_of_the_cpu_is_asked_of_the_system():
    assert 0 < memory.available_memory(torch.device("cpu")) < 2**50
