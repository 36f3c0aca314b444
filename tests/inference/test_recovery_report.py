import math

import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference import RecoveryReport, recovery_report
from pyg_moleblend.nn import constant_blend


def test_report_is_of_nothing_one_relation_at_a_time_and_all(molecules, config):
    torch.manual_seed(0)
    model = samples.tiny_pretraining(config, geometry="distance")
    batches = [Batch.from_data_list(molecules[:5]), Batch.from_data_list(molecules[5:])]
    report = recovery_report(model, batches)
    assert model.training
    assert list(report.quality) == ["nothing", "spd", "bond_path", "distance", "all", "trivial guess"]
    assert report.quality_names == {"spd": "accuracy", "bond_path": "accuracy", "distance": "mae"}
    assert report.molecules == len(molecules)

    model.eval()
    together = model.pack(Batch.from_data_list(molecules))
    given = {"nothing": (-1, -1), "spd": (0, 0), "bond_path": (1, 0), "distance": (2, 1), "all": (-2, -2)}
    for name, (number, atom_feature) in given.items():
        output = model.recover(together, constant_blend(together, number, atom_feature))
        for objective, value in report.quality[name].items():
            total, count = output.qualities[objective]
            assert value == pytest.approx(float(total / count), rel=1e-4)
        for objective, value in report.nats[name].items():
            assert value == pytest.approx(float(output.losses[objective]), rel=1e-4)
    assert set(report.nats["all"]) == {"spd", "bond_path"}  # an absolute error is no likelihood
    expected = report.nats["nothing"]["spd"] - report.nats["distance"]["spd"]
    assert report.information["distance"]["spd"] == pytest.approx(expected)
    assert "nothing" not in report.information


def test_given_all_is_what_an_unblended_model_sees(molecules, config):
    model = samples.tiny_pretraining(config, geometry="distance").eval()
    packed = model.pack(Batch.from_data_list(molecules))
    everything = model.encoder.encode(packed, constant_blend(packed, -2, -2))
    assert torch.equal(everything.graph, model.encoder.encode(packed).graph)


def test_molecules_without_coordinates_say_nothing_of_3d(molecules, config):
    model = samples.tiny_pretraining(config, geometry="distance")
    flat = from_smiles("CCCCC")
    alone = recovery_report(model, [Batch.from_data_list([flat])])
    assert "distance" not in alone.quality
    assert not math.isnan(alone.quality["spd"]["spd"])
    assert math.isnan(alone.quality["spd"]["distance"])

    mixed = recovery_report(model, [Batch.from_data_list([*(m.clone() for m in molecules[:4]), with_y(flat)])])
    pure = recovery_report(model, [Batch.from_data_list(molecules[:4])])
    assert mixed.molecules == pure.molecules == 4
    assert mixed.quality["distance"] == pytest.approx(pure.quality["distance"], rel=1e-5)
    assert mixed.nats["nothing"] == pytest.approx(pure.nats["nothing"], rel=1e-5)


def with_y(data):
    data.y = torch.full((1, 2), torch.nan)
    return data


def test_table(molecules, config):
    report = recovery_report(samples.tiny_pretraining(config, geometry="distance"), [Batch.from_data_list(molecules)])
    qualities, information = str(report).split("\n\n")
    lines = qualities.splitlines()
    assert lines[0].split("  ")[-1].strip() == "distance (mae)"
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].strip().startswith("trivial guess")
    assert information.splitlines()[1].split("  ")[-1].strip() == "bond_path (nats)"
    assert RecoveryReport(**report.to_dict()) == report
