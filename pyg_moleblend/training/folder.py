r"""The folder of a run: which run it is, that one process is at work in it, and from where it goes on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from filelock import FileLock, Timeout
from lightning.pytorch.utilities import rank_zero_only

from pyg_moleblend.runtime.files import atomic_write, remove_leftovers
from pyg_moleblend.runtime.open_file import PICKLE_DAMAGE, read_json

LAST = "checkpoints/last.ckpt"
BEST = "checkpoints/best.ckpt"
RUN_FILE = "run.json"
r"""What the run is: everything that its result depends on."""

_LOCK = ".run"
_SHOWN = 60  # characters of a value in an error
_ABSENT = "nothing"

_log = logging.getLogger(__name__)


def has_checkpoint(out: Path) -> bool:
    r"""Whether there is a checkpoint to go on from."""
    return any((out / name).is_file() for name in (LAST, BEST))


def check_folder(out: Path, resume: bool) -> bool:
    r"""Whether there is a checkpoint to go on from, and that is wanted.

    Raises:
        FileNotFoundError: If there is nothing to resume.
        ValueError: If a run that is not to be resumed is in the folder.
    """
    there = has_checkpoint(out)
    if resume and not there:
        raise FileNotFoundError(f"there is no run to resume: no {out / LAST}; start it without resume")
    if not resume and there:
        raise ValueError(f"{out} holds a run already; pass resume (--resume) to go on with it, or another folder")
    return resume


@contextmanager
def one_run(out: Path) -> Iterator[None]:
    r"""Held while a run works in its folder, by all processes of that run and by no other; it can be nested.

    Raises:
        ValueError: If another run holds it.
    """
    if not _is_first():  # the first process holds it for all
        yield
        return
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / _LOCK, timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(
            f"another run is at work in {out}: wait for it (then --resume goes on with it), or name another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()
        if not lock.is_locked and [path.name for path in out.iterdir()] == [_LOCK]:  # nothing came of it
            (out / _LOCK).unlink(missing_ok=True)
            out.rmdir()


def resume_point(out: Path) -> Path:
    r"""The checkpoint to go on from: the last one, or where that is damaged the best one, which the log says.

    Raises:
        ValueError: If none can be used.
    """
    faults: list[ValueError] = []
    for path in (out / LAST, out / BEST):
        if not path.is_file():
            continue
        try:
            check_checkpoint(path)
        except ValueError as error:
            faults.append(error)
            continue
        if faults:
            _log.warning("%s; the run goes on from %s", faults[0], path)
        return path
    raise faults[0]


def check_checkpoint(path: Path) -> None:
    r"""Raises ``ValueError`` unless a Lightning checkpoint can be read without running code from it."""
    try:
        content = torch.load(path, map_location="meta", weights_only=True)
    except PICKLE_DAMAGE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"the checkpoint {path} is damaged, or holds more than data: {reason}") from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise ValueError(f"{path} is no checkpoint of Lightning: it has no state_dict")


def check_same_run(out: Path, facts: Mapping[str, Any], resume: bool) -> None:
    r"""Keeps what a run is when it begins, and compares it when the run goes on.

    Args:
        out: Folder of the run.
        facts: Everything that its result depends on, as JSON.
        resume: Whether it goes on.

    Raises:
        ValueError: If it was begun with other things; they are named with both values.
    """
    path = out / RUN_FILE
    wanted = json.loads(json.dumps(facts))
    if not resume:
        if _is_first():
            remove_leftovers((out / LAST).parent)
            with atomic_write(path, "w") as file:
                json.dump(wanted, file, indent=1)
        return
    try:
        found = read_json(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}, which tells what the run is, is damaged or missing: {error}") from error
    if differing := list(changes_between(found, wanted)):
        more = f"; and {len(differing) - 4} more" if len(differing) > 4 else ""
        raise ValueError(
            f"the run in {out} was begun with other things: {'; '.join(differing[:4])}{more}. Resume it "
            "with those that it was begun with, or start another in another folder"
        )
    if _is_first():
        remove_leftovers((out / LAST).parent)


def _is_first() -> bool:
    return int(cast(Any, rank_zero_only).rank) == 0


def changes_between(found: Any, wanted: Any, name: str = "") -> Iterator[str]:
    r"""What differs between two JSON values, each with its name and both values.

    Args:
        found: What was.
        wanted: What is.
        name: Where they stand.
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in dict.fromkeys([*found, *wanted]):
            inner = f"{name}.{key}" if name else key
            yield from changes_between(found.get(key, _ABSENT), wanted.get(key, _ABSENT), inner)
    elif found != wanted:
        yield f"{name} was {str(found)[:_SHOWN]}, is {str(wanted)[:_SHOWN]}"
