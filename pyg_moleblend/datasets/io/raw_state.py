r"""What raw files were when something was made of them, and whether they still are."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pyg_moleblend.runtime.files import Digest, digest, is_whole


def digests(paths: Iterable[str | Path]) -> dict[str, dict[str, Any]]:
    r"""Size and SHA-256 of each file that is in place, by its name."""
    return {name: digest(path)._asdict() for name, path in _in_place(paths).items()}


def state_of(paths: Iterable[str | Path]) -> dict[str, Any]:
    r"""What :func:`is_state_of` compares, as JSON."""
    paths = list(paths)
    times = {name: path.stat().st_mtime_ns for name, path in _in_place(paths).items()}
    return {"raw": digests(paths), "raw_mtime_ns": times}


def is_state_of(paths: Iterable[str | Path], state: Mapping[str, Any]) -> bool:
    r"""Whether the files are those that they were. All of them may be gone, but none may be another."""
    found, known, times = _in_place(paths), state["raw"], state["raw_mtime_ns"]
    if not found:
        return True
    # Files that nobody touched need not be read for it.
    return found.keys() == known.keys() and all(
        path.stat().st_size == known[name]["bytes"]
        and (path.stat().st_mtime_ns == times[name] or is_whole(path, Digest(**known[name])))
        for name, path in found.items()
    )


def _in_place(paths: Iterable[str | Path]) -> dict[str, Path]:
    return {Path(path).name: Path(path) for path in paths if Path(path).is_file()}
