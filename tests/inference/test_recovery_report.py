import math

import pytest
import torch
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference import recovery_report
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import constant_blend


def test_report_is_of_one_relation_at_a_time(molecules, config):
    torch.manual_seed(0)
    model = MoleBlendForPretraining(config)
    batches = [Batch.from_data_list(molecules[:5]), Batch.from_data_list(molecules[5:])]
    report = recovery_report(model, batches)
    assert model.training
    assert list(report.quality) == ["spd", "bond_path", "distance", "trivial guess"]
    assert report.quality_names == {"spd": "accuracy", "bond_path": "accuracy", "distance": "mae"}

    model.eval()
    together = model.pack(Batch.from_data_list(molecules))
    for number, (given, atom_feature) in enumerate([("spd", 0), ("bond_path", 0), ("distance", 1)]):
        qualities = model.recover(together, constant_blend(together, number, atom_feature)).qualities
        for name, value in report.quality[given].items():
            total, count = qualities[name]
            assert value == pytest.approx(float(total / count), rel=1e-4)


def test_molecules_without_coordinates_say_nothing_of_3d(molecules, config):
    model = MoleBlendForPretraining(config)
    flat = from_smiles("CCCCC")
    alone = recovery_report(model, [Batch.from_data_list([flat])])
    assert all(math.isnan(value) for value in alone.quality["distance"].values())
    assert not math.isnan(alone.quality["spd"]["spd"])
    assert math.isnan(alone.quality["spd"]["distance"])

    mixed = recovery_report(model, [Batch.from_data_list([*(m.clone() for m in molecules[:4]), with_y(flat)])])
    pure = recovery_report(model, [Batch.from_data_list(molecules[:4])])
    assert mixed.quality["distance"] == pytest.approx(pure.quality["distance"], rel=1e-5)


def with_y(data):
    data.y = torch.full((1, 2), torch.nan)
    return data


def test_table(molecules, config):
    text = str(recovery_report(MoleBlendForPretraining(config), [Batch.from_data_list(molecules)]))
    lines = text.splitlines()
    assert lines[0].split("  ")[-1].strip() == "distance (mae)"
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].strip().startswith("trivial guess")
