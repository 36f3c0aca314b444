import json
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
import torch

from pyg_moleblend.inference import predict
from pyg_moleblend.inference.screening.library import Library, Lines
from pyg_moleblend.inference.screening.output import Tally
from pyg_moleblend.inference.screening.screen import is_folder, screen
from pyg_moleblend.inference.screening.top import Top
from pyg_moleblend.inference.screening.work import ScreenChunk

module = import_module("pyg_moleblend.inference.screening.screen")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}


@pytest.fixture
def expected(table, folder):
    given = pd.read_csv(table, keep_default_na=False)
    return predict(folder, given["smiles"].tolist(), device="cpu").assign(id=given["name"])


@pytest.mark.parametrize("num_workers", [0, 2, None])
def test_a_file_has_every_row_in_its_order(num_workers, load, table, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_ROWS", 3)
    monkeypatch.setattr(module, "FEW_ROWS", 5)
    monkeypatch.setattr(ScreenChunk, "default_workers", 1)
    out = tmp_path / "out.parquet"
    assert screen(ScreenChunk(load, "cpu"), Library([table], ids="name"), out, num_workers) == Tally(13, 2, 0)
    found = pd.read_parquet(out)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4, atol=1e-4)


def test_an_interrupted_folder_goes_on_to_the_same_bytes(load, table, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_ROWS", 2)
    whole, begun = tmp_path / "whole", tmp_path / "begun"
    arguments = {"key": {"model": "m"}, "part_rows": 4, "num_workers": 0}
    threads = []
    assert screen(ScreenChunk(load, "cpu"), Library([table], ids="name"), whole, **arguments) == Tally(13, 2, 0)
    frames = [pd.read_parquet(whole / f"part-{number:06d}.parquet") for number in range(4)]
    assert [len(frame) for frame in frames] == [4, 4, 4, 1]
    pd.testing.assert_frame_equal(pd.concat(frames, ignore_index=True), expected, rtol=1e-4, atol=1e-4)

    class Killed(ScreenChunk):
        calls = 0

        def __call__(self, *chunk):
            Killed.calls += 1
            threads.append(torch.get_num_threads())
            if Killed.calls == 6:
                raise KeyboardInterrupt
            return super().__call__(*chunk)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with pytest.raises(KeyboardInterrupt):
        screen(Killed(load, "cpu"), Library([table], ids="name"), begun, **arguments)
    assert sorted(path.name for path in begun.glob("part-*.parquet")) == ["part-000000.parquet", "part-000001.parquet"]
    assert (set(threads), torch.get_num_threads()) == ({1}, 2)
    torch.set_num_threads(before)
    kept = (begun / "part-000000.parquet").stat().st_mtime_ns
    assert screen(ScreenChunk(load, "cpu"), Library([table], ids="name"), begun, **arguments) == Tally(13, 2, 0)
    assert contents(begun) == contents(whole)
    assert (begun / "part-000000.parquet").stat().st_mtime_ns == kept
    workers = tmp_path / "workers"
    screen(ScreenChunk(load, "cpu"), Library([table], ids="name"), workers, **{**arguments, "num_workers": 2})
    assert contents(workers) == contents(whole)
    # A complete folder is left as it is, and a damaged file of it is made again.
    (begun / "part-000002.parquet").write_bytes(b"damaged")
    assert screen(ScreenChunk(load, "cpu"), Library([table], ids="name"), begun, **arguments) == Tally(13, 2, 0)
    assert contents(begun) == contents(whole)


def test_a_folder_is_of_one_library_and_one_model(load, table, tmp_path):
    out = tmp_path / "out"
    screen(ScreenChunk(load, "cpu"), Library([table]), out, 0, key={"model": "m"})
    with pytest.raises(ValueError, match=r"results that were made otherwise \(model was 'm', is 'n'\)"):
        screen(ScreenChunk(load, "cpu"), Library([table]), out, 0, key={"model": "n"})
    table.write_text(table.read_text().replace("CCN", "CCS"))
    with pytest.raises(ValueError, match="made otherwise"):
        screen(ScreenChunk(load, "cpu"), Library([table]), out, 0, key={"model": "m"})


def test_the_best_of_a_library(load, table, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_ROWS", 3)
    best = expected.sort_values("gap", ascending=False)["id"].tolist()[:3]
    for out, where in ((tmp_path / "out.parquet", ""), (tmp_path / "out", "top.parquet")):
        tally = screen(ScreenChunk(load, "cpu"), Library([table], ids="name"), out, 0, Top(3, "gap"), part_rows=5)
        assert tally == Tally(13, 2, 0)
        assert pd.read_parquet(out / where)["id"].tolist() == best
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["rows"] == 13


def test_nothing_is_no_success(load, tmp_path):
    work = ScreenChunk(load, "cpu")
    with pytest.raises(ValueError, match="the input holds no row"):
        screen(work, Lines([]), tmp_path / "out.csv")
    for out in (tmp_path / "out.csv", None):
        with pytest.raises(ValueError, match="no molecule in 2 rows has a result: the first row because"):
            screen(work, Lines(["bad", ""]), out)
    with pytest.raises(ValueError, match="text that cannot be read again"):
        screen(work, Lines(["CC"]), tmp_path / "folder")
    with pytest.raises(ValueError, match="at least 1 of the best"):
        screen(work, Lines(["CC"]), None, top=Top(0, "gap"))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


def test_a_name_without_a_suffix_is_a_folder(tmp_path):
    (tmp_path / "there.d").mkdir()
    assert [is_folder(out) for out in (None, "a.csv", "a", tmp_path / "there.d", Path("b") / "c")] == [
        False,
        False,
        True,
        True,
        True,
    ]
