import pytest

from benchmarks.model_runs import with_coordinates
from benchmarks.peer_steps import measure_steps
from pyg_moleblend.models import MoleBlendConfig

CONFIG = MoleBlendConfig(channels=16, num_layers=1, heads=2, ffn_channels=16)


def test_ratios_are_told_for_both_kinds_of_batches():
    molecules = with_coordinates(["C", "CC", "CCO", "CCCO"] * 16)
    found = measure_steps(CONFIG, molecules, ["gps"], 2, 1)
    assert found["times_as_fast"].keys() == {"like_size", "random"}
    assert found["molecules_per_s"]["random"].keys() == {"ours", "gps"}
    assert found["times_as_fast"]["random"]["gps"] > 0
    with pytest.raises(ValueError, match="64 molecules make fewer than 9 batches"):
        measure_steps(CONFIG, molecules, ["gps"], 9, 1)
