import importlib.util
import json

import pytest

from benchmarks import qm9
from pyg_moleblend.datasets import QM9
from pyg_moleblend.splits import random_split


def test_each_target_is_a_row(tmp_path, monkeypatch):
    if importlib.util.find_spec("qm9pack") is None:
        pytest.skip("needs QM9's raw data from the package qm9pack")
    built = QM9(tmp_path / "qm9", source="qm9pack", max_molecules=200, progress=False)
    monkeypatch.setattr(qm9, "QM9", lambda root, progress: built)
    monkeypatch.setattr(QM9, "get_split", lambda self: random_split(self))
    qm9.main(["--out", f"{tmp_path}", "--sets", "gap,U0", "--seeds", "1", "--trees", "20", "--max-train", "100"])
    for name, unit in (("gap", "eV"), ("U0", "eV")):
        content = json.loads((tmp_path / f"ecfp_qm9-{name}.json").read_text())
        (run,) = content["cells"][0]["runs"]
        assert content["metric"] == f"mae [{unit}]"
        assert content["model"]["max_train"] == 100
        assert run["value"] < run["constant_value"] < 20
