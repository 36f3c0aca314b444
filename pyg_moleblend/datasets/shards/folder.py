r"""A folder of shards: what is in it, what of it is whole, and when all of it is there."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pyg_moleblend.datasets.io.failures import report_lines
from pyg_moleblend.datasets.shards.shard import read_facts
from pyg_moleblend.runtime.files import Digest, atomic_write, is_whole
from pyg_moleblend.runtime.open_file import content_named, read_json

SHARDS_FORMAT = 1
r"""Of the files of such a folder and of what they hold; raise it with every change that one release may see."""

KEY_FILE = "key.json"
MANIFEST_FILE = "manifest.json"
FAILURES_FILE = "failures.csv"
CONFORMER_ERRORS_FILE = "conformer_errors.csv"


class ShardEntry(NamedTuple):
    r"""What is known of a shard without opening it.

    Attributes:
        first_row: Its first row, counted in the whole table.
        rows: Its rows; they are molecules and failures.
        molecules: Rows that are molecules.
        failures: Rows that are none.
        bytes: Size of its file.
        sha256: Of its file.
    """

    first_row: int
    rows: int
    molecules: int
    failures: int
    bytes: int
    sha256: str

    @property
    def digest(self) -> Digest:
        r"""Of its file."""
        return Digest(self.bytes, self.sha256)


class Manifest(NamedTuple):
    r"""What a complete folder of shards holds; ``manifest.json``, which is written last.

    Attributes:
        key: Everything that the shards' bytes depend on.
        facts: What else is to be remembered, ``target_names`` say.
        shards: The shards, in the order of their rows.
    """

    key: dict[str, Any]
    facts: dict[str, Any]
    shards: list[ShardEntry]

    @property
    def rows(self) -> int:
        r"""Rows of the table: molecules and failures."""
        return sum(shard.rows for shard in self.shards)

    @property
    def molecules(self) -> int:
        r"""Rows that are molecules."""
        return sum(shard.molecules for shard in self.shards)

    @property
    def failures(self) -> int:
        r"""Rows that are none."""
        return sum(shard.failures for shard in self.shards)


def shard_path(folder: str | Path, number: int) -> Path:
    r"""File of shard `number`."""
    return Path(folder) / f"shard-{number:06d}.safetensors"


def entry_path(folder: str | Path, number: int) -> Path:
    r"""File that says, until there is a manifest, that shard `number` is finished."""
    return shard_path(folder, number).with_suffix(".json")


def claim(folder: Path, key: Mapping[str, Any]) -> dict[str, Any]:
    r"""Makes the folder one of shards with this key, and gives the key as it is stored.

    Raises:
        ValueError: If it is one of shards with another key, holds other files, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, and shards need a folder: name a new or an empty one")
    wanted = json.loads(json.dumps({"format": SHARDS_FORMAT, **key}))
    path = folder / KEY_FILE
    if path.is_file():
        if (found := _load(path)) != wanted:
            names = [name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)]
            changes = "; ".join(f"{name} was {found.get(name)!r}, is {wanted.get(name)!r}" for name in names)
            raise ValueError(
                f"{folder} holds shards that were made otherwise ({changes}), and shards are never mixed: name another "
                "folder, or delete this one"
            )
    else:
        if folder.is_dir() and any(not file.name.startswith(".") for file in folder.iterdir()):
            raise ValueError(f"{folder} holds other files, and no {KEY_FILE}: name a new or an empty folder")
        with atomic_write(path, "w") as file:
            json.dump(wanted, file, indent=2)
    return dict(wanted)


def finished(folder: Path) -> dict[int, ShardEntry]:
    r"""The shards that are finished and whole, by their number: each one's checksum is compared."""
    known = dict(enumerate(load_manifest(folder).shards)) if (folder / MANIFEST_FILE).is_file() else {}
    for path in folder.glob("shard-*.json"):  # newer than the manifest, where a shard is made again
        with suppress(ValueError, TypeError):  # a damaged one says nothing, so its shard is made again
            known[int(path.stem.split("-")[1])] = _entry(_load(path), path)
    whole = {number for number, entry in known.items() if is_whole(shard_path(folder, number), entry.digest)}
    return {number: known[number] for number in sorted(whole)}


def save_entry(folder: Path, number: int, entry: ShardEntry) -> None:
    r"""Says that a shard is finished."""
    with atomic_write(entry_path(folder, number), "w") as file:
        json.dump(entry._asdict(), file)


def finish(folder: Path, key: dict[str, Any], facts: Mapping[str, Any], shards: Iterable[ShardEntry]) -> Manifest:
    r"""Writes the reports of all shards, and last the manifest that says that all is there.

    Raises:
        ValueError: If there is no shard.
    """
    manifest = Manifest(key, dict(facts), list(shards))
    if not manifest.shards:
        raise ValueError(f"there are no rows to make shards of in {folder}")
    for name, text in _reports(folder, len(manifest.shards)).items():
        with atomic_write(folder / name, "w") as file:
            file.write(text)
    content = {
        "key": key,
        "facts": manifest.facts,
        **{name: getattr(manifest, name) for name in ("rows", "molecules", "failures")},
        "shards": [shard._asdict() for shard in manifest.shards],
    }
    with atomic_write(folder / MANIFEST_FILE, "w") as file:
        json.dump(content, file, indent=1)
    clear(folder)
    return manifest


def complete(folder: Path, whole: dict[int, ShardEntry]) -> Manifest | None:
    r"""The manifest, if there is one, its shards are those that are whole, and the reports say what they say."""
    if not all((folder / name).is_file() for name in (MANIFEST_FILE, FAILURES_FILE, CONFORMER_ERRORS_FILE)):
        return None
    manifest = load_manifest(folder)
    if dict(enumerate(manifest.shards)) != whole:
        return None
    reports = _reports(folder, len(whole))
    return manifest if all((folder / name).read_bytes() == text.encode() for name, text in reports.items()) else None


def clear(folder: Path) -> None:
    r"""Removes what a complete folder needs no more, of the run that made it and of those that were interrupted."""
    for leftover in (*folder.glob("shard-*.json"), *folder.glob(".*.tmp")):
        leftover.unlink(missing_ok=True)  # another process may clear too


def _reports(folder: Path, shards: int) -> dict[str, str]:
    r"""The files that list what the shards say of rows that are no molecule, or have no conformer."""
    kept = [read_facts(shard_path(folder, number)) for number in range(shards)]
    heads = {
        FAILURES_FILE: (["row", "id", "input", "reason"], "failures"),
        CONFORMER_ERRORS_FILE: (["row", "id", "cause"], "conformer_errors"),
    }
    with content_named(f"a shard of {folder}"):
        return {
            name: "".join(report_lines([head, *(row for facts in kept for row in facts[rows])]))
            for name, (head, rows) in heads.items()
        }


def load_manifest(folder: str | Path) -> Manifest:
    r"""The manifest of a complete folder.

    Raises:
        ValueError: If the folder is not complete, or its manifest is damaged.
    """
    path = Path(folder) / MANIFEST_FILE
    if not path.is_file():
        state = "is not complete yet" if (Path(folder) / KEY_FILE).is_file() else "is no folder of shards"
        raise ValueError(f"{folder} {state} (it has no {MANIFEST_FILE}); make it with `moleblend prepare`")
    content = _load(path)
    with content_named(path):
        shards = [_entry(shard, path) for shard in content["shards"]]
        return Manifest(dict(content["key"]), dict(content["facts"]), shards)


def _entry(content: Any, path: Path) -> ShardEntry:
    entry = ShardEntry(**content)
    counts = entry[:-1]
    if any(type(count) is not int or not 0 <= count < 2**63 for count in counts) or not isinstance(entry.sha256, str):
        raise ValueError(f"{path} is damaged: {str(content)[:200]} describes no shard")
    return entry


def _load(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except ValueError as error:
        raise ValueError(f"{path} is damaged, delete it: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged, delete it: it holds {str(content)[:40]}")
    return content
