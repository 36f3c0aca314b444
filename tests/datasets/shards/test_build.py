import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shard_rows import GOOD, contents, damage, portions

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.reading import ReadChunk, Reading
from pyg_moleblend.datasets.shards import build as module
from pyg_moleblend.datasets.shards.build import build_shards
from pyg_moleblend.datasets.shards.dataset import MoleculeShards
from pyg_moleblend.datasets.shards.folder import Manifest, load_manifest
from pyg_moleblend.runtime.files import sole_writer

ENTRIES = [*(GOOD * 5), "bad", "", *GOOD, "C1CC"]
FACTS = {"target_names": ["row"]}


class StoppedError(Exception):
    pass


class StopAt:
    r"""Reads chunks, and falls over at the one that begins with the given entry."""

    def __init__(self, entry: str) -> None:
        self.entry = entry

    def __call__(self, chunk: Sequence[Any], kills: Sequence[int], started: Any) -> Reading:
        if chunk[0] == self.entry:
            raise StoppedError
        return ReadChunk()(chunk, kills, started)


def build(folder: Path, entries: Sequence[str] = ENTRIES, sizes: Sequence[int] = (10,), **arguments: Any) -> Manifest:
    given: dict[str, Any] = {"key": {"a": 1}, "read": ReadChunk(), "shard_size": 7, "facts": FACTS, **arguments}
    return build_shards(portions(entries, sizes), folder, **given)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    build(folder)
    return contents(folder)


def test_every_row_is_a_molecule_or_a_failure(tmp_path: Path) -> None:
    manifest = build(tmp_path)
    assert (manifest.rows, manifest.molecules, manifest.failures) == (33, 30, 3)
    assert [(shard.first_row, shard.rows, shard.molecules) for shard in manifest.shards] == [
        (0, 7, 7), (7, 7, 7), (14, 7, 7), (21, 7, 5), (28, 5, 4),
    ]  # fmt: skip
    report = (tmp_path / "failures.csv").read_text().splitlines()
    assert report[0] == "row,id,input,reason"
    assert [line.split(",")[:3] for line in report[1:]] == [
        ["25", "id 25", "bad"],
        ["26", "id 26", ""],
        ["32", "id 32", "C1CC"],
    ]
    assert not list(tmp_path.glob("shard-*.json"))


@pytest.mark.parametrize("arguments", [{"sizes": (1,)}, {"sizes": (3, 8)}, {"chunk_size": 2}, {"num_workers": 1}])
def test_bytes_follow_from_rows_and_key_alone(
    tmp_path: Path, undisturbed: dict[str, bytes], arguments: dict[str, Any]
) -> None:
    build(tmp_path, **arguments)
    assert contents(tmp_path) == undisturbed


@given(
    st.lists(st.sampled_from([*GOOD, "bad", "", "C(", "C" * 3 + "(C)(C)(C)(C)C"]), min_size=1, max_size=40),
    st.integers(1, 20),
    st.lists(st.integers(1, 15), min_size=1, max_size=3),
)
@settings(max_examples=25, deadline=None)
def test_bad_rows_never_shift_a_label_or_an_identifier(entries: list[str], size: int, sizes: list[int]) -> None:
    with TemporaryDirectory() as folder:
        manifest = build(Path(folder), entries, sizes, shard_size=size)
        molecules = MoleculeShards(folder)
        good = [row for row, entry in enumerate(entries) if entry in GOOD]
        assert molecules.row.tolist() == good
        assert molecules.y.flatten().tolist() == good
        for row, data in zip(good, molecules, strict=True):
            assert (data.row.item(), data.y.item(), data.id, data.smiles) == (row, row, f"id {row}", entries[row])
            assert data.x.equal(from_smiles(entries[row]).x)
        assert sorted([*good, *(failure.row for failure in molecules.failures)]) == list(range(len(entries)))
        assert manifest.rows == len(entries)


@pytest.mark.parametrize("entry", [3, 10, 14, 21, 28, 31])
def test_what_was_interrupted_goes_on(tmp_path: Path, undisturbed: dict[str, bytes], entry: int) -> None:
    entries = [f"{text} molecule {row}" for row, text in enumerate(ENTRIES)]  # a name tells one chunk from another
    build(tmp_path / "whole", entries)
    with pytest.raises(StoppedError):
        build(tmp_path / "halted", entries, read=StopAt(entries[entry]), chunk_size=1)
    done = list((tmp_path / "halted").glob("shard-*.safetensors"))
    assert len(done) == entry // 7
    assert not (tmp_path / "halted" / "manifest.json").exists()
    with pytest.raises(ValueError, match="not complete yet"):
        MoleculeShards(tmp_path / "halted")
    before = [path.stat().st_mtime_ns for path in done]
    build(tmp_path / "halted", entries)
    assert contents(tmp_path / "halted") == contents(tmp_path / "whole")
    assert [path.stat().st_mtime_ns for path in done] == before


def never() -> Iterator[Rows]:
    raise AssertionError("there is nothing to look at the rows for")
    yield


def test_what_is_complete_is_left_alone(tmp_path: Path) -> None:
    manifest = build(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = build_shards(never(), tmp_path, {"a": 1}, ReadChunk(), shard_size=7, facts=FACTS)
    assert again == manifest
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("kind", ["flipped", "cut", "removed"])
def test_what_is_damaged_is_made_again_and_nothing_else(
    tmp_path: Path, undisturbed: dict[str, bytes], kind: str
) -> None:
    build(tmp_path)
    damage(tmp_path / "shard-000002.safetensors", kind)
    others = [path for path in tmp_path.glob("*.safetensors") if "2" not in path.name]
    before = [path.stat().st_mtime_ns for path in others]
    build(tmp_path)
    assert contents(tmp_path) == undisturbed
    assert [path.stat().st_mtime_ns for path in others] == before


def test_what_an_interrupted_run_left_is_cleared_away(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    (tmp_path / ".shard-000001.safetensors.0123.tmp").write_bytes(b"part")
    build(tmp_path)
    assert contents(tmp_path) == undisturbed


def test_a_run_that_was_interrupted_after_its_manifest_is_cleared_up(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    build(tmp_path)
    (tmp_path / ".shard-000001.json.0123.tmp").write_bytes(b"part")
    entry = load_manifest(tmp_path).shards[1]
    (tmp_path / "shard-000001.json").write_text(json.dumps(entry._asdict()))
    build(tmp_path)
    assert contents(tmp_path) == undisturbed


@pytest.mark.parametrize("name", ["failures.csv", "conformer_errors.csv", "manifest.json"])
def test_a_lost_report_is_written_again(tmp_path: Path, undisturbed: dict[str, bytes], name: str) -> None:
    build(tmp_path)
    (tmp_path / name).unlink()
    build(tmp_path)
    assert contents(tmp_path) == undisturbed


def test_the_manifest_follows_a_shard_that_was_made_again(tmp_path: Path) -> None:
    build(tmp_path)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    # As if another shard had been here, and the run that replaced it had been interrupted before the manifest.
    (tmp_path / "shard-000001.json").write_text(json.dumps(manifest["shards"][1]))
    manifest["shards"][1]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest))
    build(tmp_path)
    assert len(list(MoleculeShards(tmp_path))) == 30


def test_other_rows_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        build(tmp_path, read=StopAt("bad"), chunk_size=1)
    with pytest.raises(ValueError, match=r"shard 1 of .* has 7 rows, but now there are 3"):
        build(tmp_path, ENTRIES[:10])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": {"a": 2}}, r"made otherwise \(a was 1, is 2\)"),
        ({"key": {"b": 1}}, r"a was 1, is None; b was None, is 1"),
        ({"shard_size": 8}, "shard_size was 7, is 8"),
        ({"shard_size": 0}, "must be positive, got 0"),
    ],
)
def test_shards_are_never_mixed(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    build(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=message):
        build(tmp_path, **arguments)
    assert contents(tmp_path) == before


def test_bad_rows_may_be_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"row 25, 'bad': .*; row 26, '': .* or leave them out"):
        build(tmp_path, raise_failures=True, shard_size=50)


def test_no_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no rows"):
        build(tmp_path, [])


def test_it_is_said_what_is_there_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StoppedError):
        build(tmp_path, sizes=(7,), chunk_size=7, read=StopAt(ENTRIES[21]))
    for expected in ("shards of", "is complete already, and its checksums are right: nothing to do"):
        build(tmp_path, sizes=(7,), chunk_size=7, progress="rows")
        captured = capsys.readouterr()
        assert expected in captured.err
        assert not captured.out


def test_nobody_else_is_let_in_before_all_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = module.finish

    def watched(folder: Path, *others: Any) -> Manifest:
        with pytest.raises(ValueError, match="another process is at work"), sole_writer(folder):
            pass
        return finish(folder, *others)

    monkeypatch.setattr(module, "finish", watched)
    assert build_shards(portions(GOOD, (4,)), tmp_path / "out", {}, ReadChunk()).molecules == len(GOOD)
