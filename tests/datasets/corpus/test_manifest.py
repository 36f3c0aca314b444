import json
from pathlib import Path
from typing import Any

import pytest

from pyg_moleblend.datasets.corpus import Rules
from pyg_moleblend.datasets.corpus.inputs import Input
from pyg_moleblend.datasets.corpus.manifest import (
    MANIFEST_FILE,
    describe_benchmark,
    describe_source,
    input_key,
    settings_of,
    standing,
)
from pyg_moleblend.datasets.corpus.merge import merge
from pyg_moleblend.datasets.corpus.pieces import Job, Pieces, make_pieces
from pyg_moleblend.datasets.corpus.reading import read_smiles
from pyg_moleblend.datasets.corpus.records import KeyChunk, RecordChunk
from pyg_moleblend.runtime.files import digest

SMILES = ["CCO", "bad", "CCN", "OCC", "CCF", "C" * 70, "CCN.Cl"]


def given(path: Path, **others: Any) -> Input:
    return Input([path], lambda: enumerate(SMILES), read_smiles, **others)


def settings(keys: dict[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    return settings_of(keys or {}, **{"rules": Rules(), "valid_size": 10, "seed": 0, **others})


def pieces_of(function: RecordChunk | KeyChunk, folder: Path) -> Pieces:
    return make_pieces({"a": Job(lambda: enumerate(SMILES), function, folder)})["a"]


def test_an_input_is_its_files_content_and_the_choice(tmp_path: Path):
    path = tmp_path / "a.smi"
    path.write_text("CCO")
    first = input_key(given(path))
    assert first == {"files": {"a.smi": digest(path)._asdict()}, "choice": {}}
    assert input_key(given(path, choice={"size": 3})) != first
    path.write_text("CCN")
    assert input_key(given(path)) != first


def test_settings_are_json_and_tell_everything():
    first = settings()
    assert json.loads(json.dumps(first)) == first
    others = [settings({"a": 1}), settings(rules=Rules(max_charge=0)), settings(valid_size=9), settings(seed=1)]
    assert [[name for name in first if first[name] != other[name]] for other in others] == [
        ["inputs"], ["rules"], ["valid_size"], ["seed"],
    ]  # fmt: skip


def test_a_corpus_stands_if_it_is_whole_and_follows_from_the_same(tmp_path: Path):
    assert standing(tmp_path, settings()) is None
    path = tmp_path / "a.parquet"
    path.write_bytes(b"rows")
    output = {"file": path.name, **digest(path)._asdict()}
    manifest = {"settings": settings(), "sources": {"a": {"output": output}}}
    (tmp_path / MANIFEST_FILE).write_text(json.dumps(manifest))
    assert standing(tmp_path, settings()) == manifest
    with pytest.raises(ValueError, match="holds a corpus that differs in rules, seed: name another folder"):
        standing(tmp_path, settings(seed=1, rules=Rules(max_charge=0)))
    path.write_bytes(b"ROWS")
    assert standing(tmp_path, settings()) is None
    path.unlink()
    assert standing(tmp_path, settings()) is None
    for damaged in ("{", "[]", "{}", '{"settings": {}, "sources": {"a": {}}}'):
        (tmp_path / MANIFEST_FILE).write_text(damaged)
        with pytest.raises(ValueError, match=r"manifest\.json is damaged; delete it"):
            standing(tmp_path, settings())


def test_steps_account_for_every_row_that_was_taken(tmp_path: Path):
    found = pieces_of(RecordChunk(read_smiles, Rules()), tmp_path / "records")
    excluded = make_pieces({"b": Job(lambda: [(0, "NCC")], KeyChunk(read_smiles, 60), tmp_path / "keys")})["b"]
    kept = merge({"moses": found}, {"esol": excluded})["moses"]
    path = tmp_path / "moses.parquet"
    path.write_bytes(b"rows")
    entry = describe_source("moses", given(path, num_rows=20), found, kept, 1, 0, path)
    assert entry["steps"] == {
        "rows": 20, "taken": 7, "fragments": 1, "size": 1, "unreadable": 1,
        "repeated": 1, "elsewhere": 0, "benchmark": 1, "kept": 2,
    }  # fmt: skip
    assert entry["parts"] == {"train": 1, "valid": 1}
    assert entry["benchmarks"] == {"esol": 1}
    assert entry["output"] == {"file": "moses.parquet", **digest(path)._asdict()}
    assert describe_source("moses", given(path), found, kept, 1, 0, path)["steps"]["rows"] == 7


def test_of_a_benchmark_it_says_which_rows_have_no_key(tmp_path: Path):
    entry = describe_benchmark("esol", pieces_of(KeyChunk(read_smiles, 60), tmp_path))
    assert (entry["rows"], entry["molecules"]) == (7, 3)  # ethanol is twice, and ethylamine with its salt
    assert entry["without_key"] == {"too large": 1, "unreadable": 1}
    assert "ESOL" in entry["title"]
