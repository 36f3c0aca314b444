import argparse
import builtins
import collections
import enum
import functools
import operator
import os
import pathlib
import pickle
import subprocess
import sys
import types
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pyg_moleblend.checkpoints.release.unpickle import load_tensors


def publish(monkeypatch: pytest.MonkeyPatch, cls: type) -> None:
    r"""Makes a class importable under the module that it names."""
    parts = cls.__module__.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name) or types.ModuleType(name))
    setattr(sys.modules[cls.__module__], cls.__name__, cls)


def foreign_class(monkeypatch: pytest.MonkeyPatch, name: str, *bases: type, **members: Any) -> type:
    r"""A class of a module that exists only while the file is written."""
    module_name, _, class_name = name.rpartition(".")
    cls = type(class_name, bases, {"__module__": module_name, **members})
    publish(monkeypatch, cls)
    return cls


def saved(tmp_path: Path, content: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    r"""The content in a file, with the foreign modules forgotten."""
    torch.save(content, tmp_path / "file.pt")
    monkeypatch.undo()
    return tmp_path / "file.pt"


def test_tensors_plain_values_and_namespaces_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    content = {
        "model": collections.OrderedDict(weight=torch.arange(3.0), half=torch.ones(2).half()),
        "args": argparse.Namespace(lr=1e-5, name="x", nested=argparse.Namespace(deep=[1, (2, None)])),
        "history": [{"loss": 0.5}, "text", True],
    }
    loaded = load_tensors(saved(tmp_path, content, monkeypatch))
    assert torch.equal(loaded["model"]["weight"], torch.arange(3.0))
    assert loaded["model"]["half"].dtype == torch.float16
    assert loaded["args"] == content["args"]
    assert loaded["history"] == content["history"]


def test_configuration_of_absent_packages_comes_back_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    r"""As omegaconf writes it: nested nodes with a state, among references to plain types."""
    config = foreign_class(monkeypatch, "omegaconf.dictconfig.DictConfig", object)()
    metadata = foreign_class(monkeypatch, "omegaconf.base.ContainerMetadata", object)()
    metadata.__dict__ = {"ref_type": typing.Any, "object_type": dict, "key_type": str, "flags": {}, "count": int}
    metadata.resolver_cache = collections.defaultdict(dict)
    config.__dict__ = {"_metadata": metadata, "_content": {"lr": [metadata, None]}, "_parent": None, "seq": list}
    choice = enum.Enum("Choice", {"A": "a"}, module="fairseq.dataclass.constants")
    publish(monkeypatch, choice)
    content = {
        "cfg": {"model": config, "common": choice.A, "path": pathlib.PurePosixPath("/a")},
        "numbers": [np.float64(0.5), np.arange(3)],
        "model": {"weight": torch.ones(2)},
    }
    loaded = load_tensors(saved(tmp_path, content, monkeypatch))
    assert torch.equal(loaded["model"]["weight"], torch.ones(2))
    assert loaded["cfg"].keys() == content["cfg"].keys()
    assert all(not vars(value) for value in loaded["cfg"].values())


@pytest.mark.parametrize("base", [dict, list, collections.OrderedDict])
def test_refusals_give_the_cause_and_no_dangerous_advice(base: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    r"""PyTorch's own message begins by naming the switch that lets the file run code."""
    meters = foreign_class(monkeypatch, "fairseq.logging.meters.Meters", base)
    meters = meters([1, 2]) if base is list else meters(loss=1.0, other=2.0)
    path = saved(tmp_path, {"meters": meters}, monkeypatch)
    with pytest.raises(ValueError, match=r"Can only (SETITEMS|extend)") as raised:
        load_tensors(path)
    assert "weights_only" not in str(raised.value)


def test_code_of_present_packages_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sentinel = tmp_path / "ran"

    def touch(self: object, *_: object) -> None:
        sentinel.touch()

    members = {"__setstate__": touch, "__init__": touch}
    cls = foreign_class(monkeypatch, "hydra.types.Config", object, **members)
    node = object.__new__(cls)
    node.__dict__["value"] = 1
    torch.save({"node": node}, tmp_path / "file.pt")
    load_tensors(tmp_path / "file.pt")
    assert "hydra.types" in sys.modules
    assert not sentinel.exists()


class Payload:
    r"""Unpickling it calls a function."""

    def __init__(self, function: Callable, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


def payloads(sentinel: Path) -> dict[str, Payload]:
    command, code = f"touch {sentinel}", f"open({str(sentinel)!r}, 'w').close()"
    return {
        "os.system": Payload(os.system, command),
        "subprocess": Payload(subprocess.check_output, ["touch", str(sentinel)]),
        "eval": Payload(builtins.eval, code),
        "exec": Payload(builtins.exec, code),
        "open": Payload(builtins.open, str(sentinel), "w"),
        "getattr": Payload(builtins.getattr, sentinel, "touch"),
        "partial": Payload(functools.partial, os.system, command),
        "attrgetter": Payload(operator.methodcaller, "touch"),
        "torch": Payload(torch.hub.load, str(sentinel.parent), "entry", "local"),
        "pickle": Payload(pickle.loads, pickle.dumps(Payload(os.system, command))),
    }


@pytest.mark.parametrize("name", list(payloads(Path("unused"))))
def test_payloads_are_refused_and_do_not_run(name: str, tmp_path: Path):
    sentinel = tmp_path / "ran"
    (tmp_path / "hubconf.py").write_text(f"open({str(sentinel)!r}, 'w').close()")
    path = tmp_path / "file.pt"
    torch.save({"model": {"weight": torch.ones(2)}, "args": payloads(sentinel)[name]}, path)
    with pytest.raises(ValueError, match=r"file.pt is refused: .*could run code"):
        load_tensors(path)
    assert not sentinel.exists()


def write_pickle(path: Path, data: bytes) -> Path:
    r"""A file in the format of :func:`torch.save` around hand-made pickle code."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    return path


@pytest.mark.parametrize(
    "name", ["argparse\n_os.system", "pathlib\nos.system", "enum\nsys.modules", "numpy\ntesting.os.system"]
)
def test_functions_reached_through_harmless_modules_do_not_run(name: str, tmp_path: Path):
    r"""``argparse._os.system("touch ran")``: the name begins with a module that is waved through as empty."""
    sentinel = tmp_path / "ran"
    code = b"\x80\x02c" + name.encode() + b"\nX" + len(f"touch {sentinel}").to_bytes(4, "little")
    path = write_pickle(tmp_path / "file.pt", code + f"touch {sentinel}".encode() + b"\x85R.")
    try:
        loaded = load_tensors(path)
    except ValueError:
        loaded = None
    assert loaded is None or not vars(loaded)
    assert not sentinel.exists()


DAMAGED = {
    "empty": b"",
    "text": b"not a checkpoint at all\n" * 20,
    "plain pickle": pickle.dumps({"model": 1}),
}


@pytest.mark.parametrize("name", [*DAMAGED, "cut short", "no pickle", "bad opcode", "bad stack"])
def test_damaged_files_are_named(name: str, tmp_path: Path):
    path = tmp_path / "file.pt"
    if name in DAMAGED:
        path.write_bytes(DAMAGED[name])
    elif name == "cut short":
        torch.save({"weight": torch.ones(1000)}, path)
        path.write_bytes(path.read_bytes()[:2000])
    elif name == "no pickle":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/readme.txt", "nothing here")
    else:
        write_pickle(path, {"bad opcode": b"\x80\x02\xff.", "bad stack": b"\x80\x02)R."}[name])
    with pytest.raises(ValueError, match=r"file\.pt is refused"):
        load_tensors(path)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pt"):
        load_tensors(tmp_path / "nowhere.pt")
    with pytest.raises(FileNotFoundError):
        load_tensors(tmp_path)
