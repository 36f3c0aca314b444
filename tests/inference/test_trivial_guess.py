from collections import Counter

import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.inference import trivial_guess
from pyg_moleblend.nn import DisplacementRecovery
from pyg_moleblend.transforms import AddRelations


@pytest.fixture
def packed(molecules, config):
    model = samples.tiny_pretraining(config, geometry="distance")
    parts = [Batch.from_data_list(molecules[:6]), Batch.from_data_list(molecules[6:])]
    return model, lambda: (model.pack(batch) for batch in parts)


def test_classes(molecules, packed):
    model, batches = packed
    spd, hops = Counter(), [Counter() for _ in range(5)]
    for data in molecules:
        data = AddRelations()(data)
        spd.update(min(value, 11) for value in data.spd.tolist() if value not in (0, 255))
        for hop, values in zip(hops, data.bond_path.T.tolist(), strict=True):
            hop.update(value for value in values if value)
    assert trivial_guess(model.objectives["spd"], batches) == pytest.approx(max(spd.values()) / spd.total())
    commonest = sum(max(hop.values(), default=0) for hop in hops) / sum(hop.total() for hop in hops)
    assert trivial_guess(model.objectives["bond_path"], batches) == pytest.approx(commonest)


def test_mean_distance(molecules, packed):
    model, batches = packed
    distances = []
    for data in molecules:
        apart = torch.pdist(data.pos.double())
        distances.append(apart)
    mean = torch.stack([apart.mean() for apart in distances]).mean()
    error = torch.stack([(apart - mean).abs().mean() for apart in distances]).mean()
    assert trivial_guess(model.objectives["distance"], batches) == pytest.approx(float(error), rel=1e-4)


def test_directions_and_the_unknown(packed):
    model, batches = packed
    assert trivial_guess(DisplacementRecovery(16), batches) == 0
    assert torch.isnan(torch.tensor(trivial_guess(model.objectives["denoising"], batches)))
