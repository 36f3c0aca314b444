r"""A folder of shards: what is in it, what of it is whole, and when all of it is there."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pyg_moleblend.datasets.io.failures import report_lines
from pyg_moleblend.datasets.shards.shard import read_facts
from pyg_moleblend.runtime.files import Digest, atomic_write
from pyg_moleblend.runtime.open_file import content_named
from pyg_moleblend.runtime.part_files import KEY_FILE, MANIFEST_FILE, PartFiles, check_entry, load_object

SHARDS = PartFiles("shard", ".safetensors", "shards", 1)
r"""The files of such a folder."""

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
    return SHARDS.path(folder, number)


def claim(folder: Path, key: Mapping[str, Any]) -> dict[str, Any]:
    r"""Makes the folder one of shards with this key, and gives the key as it is stored.

    Raises:
        ValueError: If it is one of shards with another key, holds other files, or is a file.
    """
    return SHARDS.claim(folder, key)


def finished(folder: Path) -> dict[int, ShardEntry]:
    r"""The shards that are finished and whole, by their number: each one's checksum is compared."""
    known = dict(enumerate(load_manifest(folder).shards)) if (folder / MANIFEST_FILE).is_file() else {}
    for number, entry in SHARDS.entries(folder).items():  # newer than the manifest, where a shard is made again
        with suppress(ValueError, TypeError):  # a damaged one says nothing, so its shard is made again
            known[number] = _entry(entry, SHARDS.entry_path(folder, number))
    return {number: known[number] for number in sorted(known) if SHARDS.is_whole(folder, number, known[number].digest)}


def save_entry(folder: Path, number: int, entry: ShardEntry) -> None:
    r"""Says that a shard is finished."""
    SHARDS.save_entry(folder, number, entry._asdict())


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
    SHARDS.clear(folder)


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
    content = load_object(path)
    with content_named(path):
        shards = [_entry(shard, path) for shard in content["shards"]]
        return Manifest(dict(content["key"]), dict(content["facts"]), shards)


def _entry(content: Any, path: Path) -> ShardEntry:
    entry = ShardEntry(**content)
    check_entry(entry, path)
    return entry
