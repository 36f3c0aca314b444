r"""Folders of numbered files that are made one by one, by a run that can be interrupted at any moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pyg_moleblend.runtime.files import Digest, atomic_write, is_whole
from pyg_moleblend.runtime.open_file import read_json

KEY_FILE = "key.json"
MANIFEST_FILE = "manifest.json"


class PartFiles(NamedTuple):
    r"""A kind of such folders.

    Each file has an entry beside it that says what is known of it, until a manifest says it of all of them. So a file
    with its entry is finished, and a folder with its manifest is complete.

    Attributes:
        stem: How the files are called: ``"shard"`` gives ``shard-000000``.
        suffix: Of the files.
        what: What they are, in the plural, for errors.
        version: Of the files and of what they hold; raise it with every change that one release may see.
    """

    stem: str
    suffix: str
    what: str
    version: int

    def path(self, folder: str | Path, number: int) -> Path:
        r"""File `number`."""
        return Path(folder) / f"{self.stem}-{number:06d}{self.suffix}"

    def entry_path(self, folder: str | Path, number: int) -> Path:
        r"""File that says, until there is a manifest, that file `number` is finished."""
        return self.path(folder, number).with_suffix(".json")

    def claim(self, folder: Path, key: Mapping[str, Any]) -> dict[str, Any]:
        r"""Makes the folder one with this key, and gives the key as it is stored.

        Args:
            folder: Where the files are to be.
            key: Everything that they depend on, as JSON.

        Raises:
            ValueError: If it is one with another key, holds other files, or is a file.
        """
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file, and {self.what} need a folder: name a new or an empty one")
        wanted = json.loads(json.dumps({"format": self.version, **key}))
        path = folder / KEY_FILE
        if path.is_file():
            if (found := load_object(path)) != wanted:
                names = [name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)]
                changes = "; ".join(f"{name} was {found.get(name)!r}, is {wanted.get(name)!r}" for name in names)
                raise ValueError(
                    f"{folder} holds {self.what} that were made otherwise ({changes}), and {self.what} are never "
                    "mixed: name another folder, or delete this one"
                )
        else:
            if folder.is_dir() and any(not file.name.startswith(".") for file in folder.iterdir()):
                raise ValueError(f"{folder} holds other files, and no {KEY_FILE}: name a new or an empty folder")
            with atomic_write(path, "w") as file:
                json.dump(wanted, file, indent=2)
        return dict(wanted)

    def entries(self, folder: Path) -> dict[int, dict[str, Any]]:
        r"""What the entries in a folder say, by number; damaged ones say nothing: their files are made again."""
        known: dict[int, dict[str, Any]] = {}
        for path in folder.glob(f"{self.stem}-*.json"):
            with suppress(ValueError):
                known[int(path.stem.rpartition("-")[2])] = load_object(path)
        return known

    def save_entry(self, folder: Path, number: int, entry: Mapping[str, Any]) -> None:
        r"""Says that file `number` is finished."""
        with atomic_write(self.entry_path(folder, number), "w") as file:
            json.dump(entry, file)

    def is_whole(self, folder: Path, number: int, known: Digest) -> bool:
        r"""Whether file `number` is there with the size and the checksum that are known of it."""
        return is_whole(self.path(folder, number), known)

    def clear(self, folder: Path) -> None:
        r"""Removes what a complete folder needs no more, of the run that made it and of those that were interrupted."""
        for leftover in (*folder.glob(f"{self.stem}-*.json"), *folder.glob(".*.tmp")):
            leftover.unlink(missing_ok=True)  # another process may clear too


def check_entry(entry: tuple[Any, ...], path: Path) -> None:
    r"""Raises ``ValueError`` unless an entry, read from a file, is of counts and at its end a checksum."""
    counts, checksum = entry[:-1], entry[-1]
    if any(type(count) is not int or not 0 <= count < 2**63 for count in counts) or not isinstance(checksum, str):
        raise ValueError(f"{path} is damaged: {str(entry)[:200]} describes no file")


def load_object(path: Path) -> dict[str, Any]:
    r"""What a JSON file with an object holds.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        content = read_json(path)
    except ValueError as error:
        raise ValueError(f"{path} is damaged, delete it: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged, delete it: it holds {str(content)[:40]}")
    return content
