import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.moleculenet import SETS, SPLITS
from pyg_moleblend.datasets.moleculenet.dataset import SOURCES

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_every_set_is_one_of_moleculenets():
    assert set(SETS) <= set(SOURCES)
    assert len(set(SETS)) == 11


@pytest.mark.parametrize("kind", SPLITS)
def test_splits_are_named_and_the_seeded_ones_follow_the_seed(kind):
    smiles = [f"{'C' * length}O" if length % 3 else f"c1ccccc1{'C' * length}C1CC1" for length in range(1, 41)]

    class Molecules(SimpleNamespace):
        def __len__(self):
            return len(self.smiles)

    first, second = (SPLITS[kind](Molecules(smiles=smiles), seed) for seed in (0, 1))
    seeded = kind in ("random", "scaffold-balanced")
    assert (first.name != second.name) is seeded
    assert (first.hash != second.hash) is seeded
    assert kind.split("-")[0] in first.name


def test_a_script_runs_from_anywhere_and_hides_no_package(tmp_path):
    code = "import runpy, sys; sys.path[0] = sys.argv.pop(1); runpy.run_path(sys.argv.pop(1))\n"
    code += "import importlib.util; print(importlib.util.find_spec('benchmarks.ogb').origin)\n"
    code += "print([path for path in sys.path if path.endswith('benchmarks')])"
    words = [sys.executable, "-c", code, str(BENCHMARKS), str(BENCHMARKS / "ogb.py")]
    result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == [str(BENCHMARKS / "ogb.py"), "[]"]
