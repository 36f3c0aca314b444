import importlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fuzz import hunt
from benchmarks.fuzz.__main__ import main
from benchmarks.fuzz.doors import Door, make_doors
from benchmarks.fuzz.hunt import Finding, damaged, fault_of

INPUTS = 10
r"""Drawn inputs of each door, beside its whole files: what a test has time for."""


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Door]:
    return {door.name: door for door in make_doors(tmp_path_factory.mktemp("doors"))}


def planted(folder: Path, fault: Callable[[], Any]) -> Door:
    r"""A door with a fault that only texts with a 7 meet."""

    def read(path: Path) -> None:
        if b"7" in (data := path.read_bytes()):
            fault()
        int(data)  # a ValueError, as is right

    return Door("planted", folder, "number", (b"123456789",), read)


def found(door: Door, inputs: int = 8) -> list[Finding]:
    return [event for event in hunt.hunt(door, 0, range(inputs)) if isinstance(event, Finding)]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda: {}["key"], "KeyError: 'key'"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "ends the process: -11"),
        (lambda: importlib.import_module("fuzz_marker"), "Forbidden: import of fuzz_marker"),
        (lambda: os.system("true"), "Forbidden: os.system"),
        (lambda: bytearray(1 << 45), "MemoryError"),
        (lambda: Path("/tmp/written-by-a-file").write_text(""), "Forbidden: /tmp/written-by-a-file is written"),
    ],
)
def test_a_planted_fault_is_found_and_made_small(tmp_path: Path, fault: Callable[[], Any], words: str) -> None:
    (finding,) = found(planted(tmp_path, fault))
    assert finding.fault.startswith(words)
    assert finding.data == b"7" or words == "MemoryError"
    assert b"7" in damaged(planted(tmp_path, fault), 0, finding.number)


def test_an_input_that_hangs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "SECONDS", 0.2)
    (finding,) = found(planted(tmp_path, lambda: time.sleep(60)), 1)
    assert finding.fault.startswith("hangs")


def test_an_innocent_door_has_no_finding(tmp_path: Path) -> None:
    assert found(planted(tmp_path, lambda: int("seven"))) == []


def test_seed_and_number_make_an_input_again(doors: dict[str, Door]) -> None:
    for door in doors.values():
        assert damaged(door, 1, 30) == damaged(door, 1, 30)
    csv = doors["csv"]
    assert len({damaged(csv, seed, number) for seed in range(2) for number in range(10, 30)}) > 20


@pytest.mark.parametrize("seed", [0])
def test_no_door_has_a_finding(doors: dict[str, Door], seed: int) -> None:
    findings = [
        event
        for door in doors.values()
        for event in hunt.hunt(door, seed, range(len(door.seeds[:3]) + INPUTS))
        if isinstance(event, Finding)
    ]
    assert findings == []


MODEL = ("model", "arguments", "config", "arguments")
TASK, RECIPE, SHARD = ("metadata", "task"), ("metadata", "recipe", "conformers"), ("shards", 0)
ONCE: list[tuple[str, tuple[Any, ...], Any]] = [
    ("split", ("train", 0), [3]),
    ("split", ("valid", 0), 1.5),
    ("split", ("test",), [2**70]),
    ("model-config", (*TASK, "mean"), 3),
    ("model-config", (*TASK, "names", 0), {}),
    ("model-config", (*TASK, "std", 0), []),
    ("model-config", (*TASK, "std", 0), "x"),
    ("model-config", (*RECIPE, "count"), []),
    ("model-config", (*RECIPE, "seed"), {}),
    ("model-config", ("metadata", "modality"), 3),
    ("model-config", ("metadata", "modality"), []),
    ("model-config", (*MODEL, "num_layers"), 10**9),
    ("model-config", (*MODEL, "num_gaussians"), 10**10),
    ("card", ("data",), None),
    ("card", ("more",), 1),
    ("manifest", (*SHARD, "molecules"), {}),
    ("manifest", (*SHARD, "molecules"), 1.5),
    ("manifest", (*SHARD, "molecules"), 10**30),
    ("manifest", ("facts",), None),
    ("manifest", ("facts", "target_names"), None),
    ("entry", ("rows",), []),
    ("corpus", ("sources",), None),
    ("corpus", ("settings",), float("nan")),
    ("corpus", ("sources", "qm9", "output", "file"), True),
    ("corpus", ("sources", "qm9", "output", "bytes"), []),
    ("quick-text", ("tasks", 0, "mean"), "x"),
    ("quick-text", ("tasks", 0, "scale"), {}),
    ("quick-text", ("tasks", 0, "averaged_by"), 3),
    ("quick-text", ("names", 0), 3),
]
r"""Values that once ended in another error than a ``ValueError``: the door, where in its JSON, and what stood there."""

TEXTS: list[tuple[str, bytes]] = [
    ("failures", b"2\n"),
    ("failures", b""),
    ("config", b"model: null"),
    ("config", b"schedule: 3"),
    ("config", b"e: cpu\nmodel:\n  channels: 8\n  relation_probabilities: null\n"),
    ("config", b"model: !!python/object/apply:fuzz_marker.run []"),
    ("config", b"objectives: {spd: {class_path: fuzz_marker.run}}"),
    ("config", b"a: &a [1,1,1,1]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (i, i, i - 1, i - 1) for i in range(98, 122))),
    ("run-config", b"- 1"),
    ("run-config", b"a: ["),
    ("run", b"[" * 100_000),
    ("smiles", "C\ud800".encode("utf-8", "surrogatepass")),
]


@pytest.mark.parametrize(("name", "place", "value"), ONCE)
def test_a_value_that_was_once_a_finding_is_none_now(
    doors: dict[str, Door], name: str, place: tuple[Any, ...], value: Any
) -> None:
    tree = json.loads(doors[name].seeds[0])
    holder = tree
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    assert fault_of(doors[name], json.dumps(tree).encode()) == ("", "")


@pytest.mark.parametrize(("name", "data"), TEXTS)
def test_a_text_that_was_once_a_finding_is_none_now(doors: dict[str, Door], name: str, data: bytes) -> None:
    assert fault_of(doors[name], data) == ("", "")


def test_the_command_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--minutes", "0.02", "--doors", "smiles,run", "--out", str(tmp_path / "found.json")]) == 0
    assert json.loads((tmp_path / "found.json").read_text())["findings"] == []
    assert "0 findings" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"unknown doors \['window'\]; there are smiles, "):
        main(["--doors", "window"])
