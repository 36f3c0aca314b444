import sys
from pathlib import Path

import pandas as pd
import pytest
from shard_rows import GOOD, contents, damage

from pyg_moleblend.datasets.shards.prepare import prepare

ENTRIES = [*GOOD, "bad", *GOOD, "C1CC", *GOOD]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    frame = pd.DataFrame({"smiles": ENTRIES, "y": range(len(ENTRIES)), "name": [f"n{i}" for i in range(len(ENTRIES))]})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=6)
    return tmp_path / "t.parquet"


def test_both_engines_give_the_same_bytes(table: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    arguments = {"targets": ["y"], "ids": "name", "shard_size": 9}
    local = prepare(table, tmp_path / "local", **arguments)
    assert len(local.shards) == 2
    # Begun by one engine, damaged, and ended by the other.
    prepare(table, tmp_path / "ray", **arguments)
    damage(tmp_path / "ray" / "shard-000001.safetensors", "flipped")
    kept = (tmp_path / "ray" / "shard-000000.safetensors").stat().st_mtime_ns
    assert prepare(table, tmp_path / "ray", engine="ray", num_workers=1, **arguments) == local
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    assert (tmp_path / "ray" / "shard-000000.safetensors").stat().st_mtime_ns == kept


def test_without_ray_the_extra_is_named(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'pyg-moleblend\[ray\]'"):
        prepare(table, tmp_path / "out", engine="ray")
    assert not (tmp_path / "out").exists()
