import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pyg_moleblend.inference.screening.library import FileRows
from pyg_moleblend.inference.screening.output import Tally
from pyg_moleblend.inference.screening.result_folder import PARTS, TOP_FILE, finish, finished, save_part
from pyg_moleblend.inference.screening.top import Top


def results(first: int, values: list[float]) -> pd.DataFrame:
    status = ["no" if np.isnan(value) else "ok" for value in values]
    ids = [str(first + row) for row in range(len(values))]
    return pd.DataFrame({"id": ids, "smiles": "C", "y": np.float32(values), "status": status})


@pytest.mark.parametrize("kind", ["flipped", "cut", "removed", "entry"])
def test_only_whole_files_are_finished(kind: str, tmp_path: Path) -> None:
    for number in range(3):
        save_part(tmp_path, number, 2 * number, results(2 * number, [1.0, np.nan]), None)
    assert list(finished(tmp_path)) == [0, 1, 2]
    path = PARTS.path(tmp_path, 1)
    if kind == "flipped":
        content = bytearray(path.read_bytes())
        content[20] ^= 1
        path.write_bytes(content)
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif kind == "removed":
        path.unlink()
    else:
        PARTS.entry_path(tmp_path, 1).write_text('{"rows": 3}')
    assert list(finished(tmp_path)) == [0, 2]


def test_a_manifest_says_what_the_files_are_for(tmp_path: Path) -> None:
    parts = {number: save_part(tmp_path, number, 2 * number, results(0, [1.0, np.nan]), None) for number in (1, 0)}
    files = [FileRows("a.csv", 0, 4)]
    assert finish(tmp_path, {"model": "m"}, files, parts, None) == Tally(4, 2, 0)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["columns"] == ["id", "smiles", "y", "status"]
    assert (manifest["rows"], manifest["failed"], manifest["key"]) == (4, 2, {"model": "m"})
    assert [part["first_row"] for part in manifest["parts"]] == [0, 2]
    assert manifest["files"] == [{"path": "a.csv", "first_row": 0, "rows": 4}]
    assert not list(tmp_path.glob("part-*.json"))
    assert finished(tmp_path) == parts


def test_of_the_best_only_they_and_the_failed_are_kept(tmp_path: Path) -> None:
    top = Top(2)
    values = ([3.0, 1.0, 2.0, np.nan], [4.0, 0.0, 2.5, 9.0])
    parts = {n: save_part(tmp_path, n, 4 * n, results(4 * n, found), top) for n, found in enumerate(values)}
    assert pd.read_parquet(PARTS.path(tmp_path, 0))["id"].tolist() == ["0", "2", "3"]
    assert parts[0].tally == Tally(4, 1, 0)
    assert finish(tmp_path, {}, [], parts, top) == Tally(8, 1, 0)
    best = pd.read_parquet(tmp_path / TOP_FILE)
    assert (best["id"].tolist(), best["y"].tolist()) == (["7", "4"], [9.0, 4.0])


def test_no_result_at_all_is_an_error(tmp_path: Path) -> None:
    parts = {0: save_part(tmp_path, 0, 0, results(0, [np.nan, np.nan]), None)}
    with pytest.raises(ValueError, match="no molecule in 2 rows has a result: the first row because no"):
        finish(tmp_path, {}, [], parts, None)
    with pytest.raises(ValueError, match="the files hold no row"):
        finish(tmp_path, {}, [], {}, None)
    assert not (tmp_path / "manifest.json").exists()


def test_a_row_with_some_of_its_values_is_kept_once(tmp_path: Path) -> None:
    frame = results(0, [3.0, 1.0, np.nan]).assign(z=np.float32([np.nan, 1.0, 1.0]))
    save_part(tmp_path, 0, 0, frame, Top(2, "y"))
    assert pd.read_parquet(PARTS.path(tmp_path, 0))["id"].tolist() == ["0", "1", "2"]
