r"""What the manifest says: where each molecule comes from, what came of each step, and with which versions."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import rdkit
from rdkit.Chem import inchi

import pyg_moleblend
from pyg_moleblend.datasets.corpus.benchmarks import BENCHMARKS
from pyg_moleblend.datasets.corpus.inputs import Input
from pyg_moleblend.datasets.corpus.merge import Kept
from pyg_moleblend.datasets.corpus.pieces import Pieces
from pyg_moleblend.datasets.corpus.rules import Rules
from pyg_moleblend.datasets.corpus.sources import SOURCES
from pyg_moleblend.runtime.files import Digest, digest, is_whole
from pyg_moleblend.runtime.open_file import content_named, read_json

FORMAT = 1
r"""Of the files, and of what the steps do; raise it with every change that one release may see."""

MANIFEST_FILE = "manifest.json"

SAME = "first block of the InChIKey of the charge parent (largest fragment, neutralised)"
r"""By which two molecules are the same."""


def input_key(given: Input) -> dict[str, Any]:
    r"""What an input follows from: the content of its files, and what was chosen of it."""
    files = {path.name: digest(path)._asdict() for path in given.files}
    return {"files": files, "choice": dict(given.choice)}


def settings_of(keys: dict[str, dict[str, Any]], rules: Rules, valid_size: int, seed: int) -> dict[str, Any]:
    r"""Everything that a corpus follows from, as JSON."""
    return {
        "format": FORMAT,
        "inputs": keys,
        "rules": rules.to_dict(),
        "same_molecule": SAME,
        "valid_size": valid_size,
        "seed": seed,
        "versions": {
            "pyg_moleblend": pyg_moleblend.__version__,
            "rdkit": rdkit.__version__,
            "inchi": inchi.GetInchiVersion(),  # type: ignore[attr-defined]
            "pyarrow": pa.__version__,
        },
    }


def standing(out: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    r"""The manifest of a corpus that is complete; ``None`` where there is none, or a file of it is damaged.

    Raises:
        ValueError: If the corpus follows from something else.
    """
    path = out / MANIFEST_FILE
    if not path.is_file():
        return None
    try:
        with content_named(path):
            manifest: dict[str, Any] = read_json(path)
            had = dict(manifest["settings"])
            outputs = [entry["output"] for entry in manifest["sources"].values()]
            files = {out / entry["file"]: Digest(int(entry["bytes"]), str(entry["sha256"])) for entry in outputs}
    except ValueError as error:
        raise ValueError(f"{path} is damaged; delete it") from error
    if other := sorted(name for name in settings if had.get(name) != settings[name]):
        raise ValueError(f"{out} holds a corpus that differs in {', '.join(other)}: name another folder, or delete it")
    whole = all(file.is_file() and is_whole(file, wanted) for file, wanted in files.items())
    return manifest if whole else None


def describe_source(
    name: str, given: Input, pieces: Pieces, kept: Kept, valid: int, structures: int, path: Path
) -> dict[str, Any]:
    r"""A source's entry.

    Args:
        name: Key of the source.
        given: Its rows.
        pieces: What was found of them.
        kept: What is left.
        valid: Number of molecules held out.
        structures: Number of molecules with coordinates.
        path: The file that was written.

    Returns:
        ``steps`` holds the number of rows, of those that were taken, and what became of these: they are the sum of the
        counts behind ``taken``.
    """
    source, counts = SOURCES[name], pieces.counts()
    taken = sum(counts.values())
    counts.pop("", None)
    return {
        "title": source.title,
        "licence": source.licence,
        "citation": source.citation,
        "structures": source.structures,
        "steps": {
            "rows": given.num_rows or taken,
            "taken": taken,
            **counts,
            "repeated": kept.repeated,
            "elsewhere": kept.elsewhere,
            "benchmark": kept.benchmark,
            "kept": len(kept.positions),
        },
        "parts": {"train": len(kept.positions) - valid, "valid": valid},
        "with_structure": structures,
        "benchmarks": kept.benchmarks,
        "output": {"file": path.name, **digest(path)._asdict()},
    }


def describe_benchmark(name: str, pieces: Pieces) -> dict[str, Any]:
    r"""A benchmark's entry: its rows, those without a key and why, and the number of molecules left out by it."""
    counts = pieces.counts()
    rows = sum(counts.values())
    counts.pop("", None)
    return {
        **BENCHMARKS[name]._asdict(),
        "rows": rows,
        "without_key": counts,
        "molecules": len(set(pieces.skeletons()[1].tolist())),
    }
