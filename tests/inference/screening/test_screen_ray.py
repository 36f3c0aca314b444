import pandas as pd
import pytest

from pyg_moleblend.inference.screening.library import Library
from pyg_moleblend.inference.screening.output import Tally
from pyg_moleblend.inference.screening.screen import screen
from pyg_moleblend.inference.screening.screen_ray import screen_ray
from pyg_moleblend.inference.screening.work import ScreenChunk


@pytest.fixture
def tables(table, tmp_path):
    frame = pd.read_csv(table, keep_default_na=False)
    frame[:6].to_parquet(tmp_path / "a.parquet", row_group_size=2)
    frame[6:].to_parquet(tmp_path / "b.parquet", row_group_size=3)
    return [tmp_path / "a.parquet", tmp_path / "b.parquet"]


def test_both_engines_give_the_same_bytes(load, tables, tmp_path):
    pytest.importorskip("ray")
    arguments = {"key": {"model": "m"}, "part_rows": 4}
    screen(ScreenChunk(load, "cpu"), Library(tables, ids="name"), tmp_path / "local", 1, **arguments)
    screen(ScreenChunk(load, "cpu"), Library(tables, ids="name"), tmp_path / "ray", 1, **arguments)
    (tmp_path / "ray" / "part-000001.parquet").unlink()
    tally = screen_ray(ScreenChunk(load, "cpu"), Library(tables, ids="name"), tmp_path / "ray", 1, **arguments)
    assert tally == Tally(13, 2, 0)
    names = sorted(path.name for path in (tmp_path / "local").iterdir() if path.name[0] != ".")
    assert "part-000003.parquet" in names
    for name in names:
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "local" / name).read_bytes(), name


def test_only_parquet_can_be_dealt_out(load, table, tmp_path):
    with pytest.raises(ValueError, match=r"engine 'ray' reads \.parquet files"):
        screen_ray(ScreenChunk(load, "cpu"), Library([table]), tmp_path / "out")
