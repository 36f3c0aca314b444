r"""The rows of a source or of a benchmark: the files they follow from, which of them count, and how they are read."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from pyg_moleblend.datasets.corpus.ranks import ranks, smallest
from pyg_moleblend.datasets.corpus.reading import Reader, read_cxsmiles, read_smiles
from pyg_moleblend.datasets.io.table_chunks import TableChunks
from pyg_moleblend.runtime.open_file import content_named, damage_named, open_text

_CHEMREPS = "chembl_id\tcanonical_smiles\t"


class Input(NamedTuple):
    r"""The rows of a source that count.

    Attributes:
        files: The files that they follow from.
        rows: Gives them: their numbers, counted over all files, and what is written there.
        reader: Makes molecules of what is written.
        num_rows: Number of rows to choose from, ``None`` where all of them count.
        num_taken: Number of rows that count, ``None`` where only reading them tells.
        choice: What else they follow from, as JSON.
    """

    files: list[Path]
    rows: Callable[[], Iterator[tuple[int, Any]]]
    reader: Reader
    num_rows: int | None = None
    num_taken: int | None = None
    choice: Mapping[str, Any] = MappingProxyType({})


def find_files(path: Path, kinds: tuple[str, ...], word: str = "") -> list[Path]:
    r"""A file, or those of a folder in alphabetical order.

    Args:
        path: The file or the folder.
        kinds: How the names of those in a folder end.
        word: What is in them.

    Raises:
        ValueError: If there are none.
    """
    if path.is_file():
        return [path]
    found = sorted(file for file in path.glob("*") if file.name.lower().endswith(kinds) and word in file.name.lower())
    if not found:
        named = f" with {word!r} in its name" if word else ""
        raise ValueError(
            f"there is no file {path}, and no {', '.join(kinds)} file{named} in a folder of that name: "
            "put the files there, say where they are (NAME=PATH), or leave the source out"
        )
    return found


def text_rows(files: list[Path], size: int | None, seed: int, cxsmiles: bool = False) -> Input:
    r"""SMILES or CXSMILES of some files, all of them or a sample, which a hash of the texts draws.

    Args:
        files: Tables, or text files with one a line.
        size: How many are wanted, where there are more than that.
        seed: Of the draw.
        cxsmiles: Whether coordinates stand behind the SMILES.
    """

    def texts() -> Iterator[str]:
        for text in chain.from_iterable(map(smiles_texts, files)):
            # A name may stand behind a SMILES; behind a CXSMILES are its coordinates.
            yield text if cxsmiles else text.strip().partition(" ")[0].partition("\t")[0]

    reader: Reader = read_cxsmiles if cxsmiles else read_smiles
    if size is None:
        return Input(files, lambda: enumerate(texts()), reader)
    drawn = ranks(texts(), "sample", seed)
    if size >= len(drawn):
        return Input(files, lambda: enumerate(texts()), reader, num_taken=len(drawn))
    wanted = np.zeros(len(drawn), dtype=bool)
    wanted[smallest(drawn, size)] = True

    def rows() -> Iterator[tuple[int, str]]:
        return ((row, text) for row, text in enumerate(texts()) if wanted[row])

    return Input(files, rows, reader, len(drawn), size, {"size": size, "seed": seed})


def smiles_texts(path: Path) -> Iterator[str]:
    r"""The SMILES of a table or of a text file with one a line, as they are written."""
    if path.name.lower().endswith((".txt", ".txt.gz")):
        with damage_named(path), content_named(path), open_text(path) as file:
            head = file.readline()
            if head.startswith(_CHEMREPS):
                yield from (line.split("\t")[1] for line in file)
                return
    for portion in TableChunks(path):
        yield from map(str, portion.entries)
