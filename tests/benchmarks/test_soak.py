from pathlib import Path

import pytest

from benchmarks.soak import VERBS, files_of, soak, write_table


def test_a_verb_that_is_killed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv")
    count = soak("convert", 2, tmp_path)
    assert count.kills >= 2
    assert (count.differing, count.half, count.odd) == (0, 0, 0)
    assert set(files_of(tmp_path / "whole", VERBS["convert"].results)) == {
        "model/config.json",
        "model/model.safetensors",
    }


def test_a_verb_that_fails_undisturbed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"moleblend prepare fails: prepare .*table\.csv"):
        soak("prepare", 1, tmp_path)
