r"""The corpus by one call: its steps in their order, each resumable, and the manifest last."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyg_moleblend.datasets.corpus.benchmarks import BENCHMARKS, open_benchmark
from pyg_moleblend.datasets.corpus.inputs import Input
from pyg_moleblend.datasets.corpus.manifest import (
    FORMAT,
    MANIFEST_FILE,
    describe_benchmark,
    describe_source,
    input_key,
    settings_of,
    standing,
)
from pyg_moleblend.datasets.corpus.merge import held_out, merge
from pyg_moleblend.datasets.corpus.output import write_source
from pyg_moleblend.datasets.corpus.pieces import Job, Pieces, make_pieces
from pyg_moleblend.datasets.corpus.records import KeyChunk, RecordChunk
from pyg_moleblend.datasets.corpus.rules import Rules
from pyg_moleblend.datasets.corpus.sources import SOURCES
from pyg_moleblend.runtime.files import atomic_write, content_key, sole_writer

WORK_FOLDER = "work"

DEFAULT_SOURCES: Mapping[str, str | Path | None] = {"moses": None, "qm9": None}
r"""Those that need nothing in place: one is downloaded, the other is a package."""

DEFAULT_SIZES: Mapping[str, int] = {"moses": 400_000}
VALID_SIZE = 1000


def build_corpus(
    out: str | Path,
    root: str | Path = "data",
    sources: Mapping[str, str | Path | None] = DEFAULT_SOURCES,
    exclude: Sequence[str] = tuple(BENCHMARKS),
    sizes: Mapping[str, int] = DEFAULT_SIZES,
    rules: Rules | None = None,
    valid_size: int = VALID_SIZE,
    seed: int = 0,
    num_workers: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    r"""Makes the corpus: one Parquet file a source, and ``manifest.json``, which is written last.

    The steps: draw from a large source (before anything expensive: a hash of the text decides), read and normalise,
    refuse by the rules, find the key, keep each molecule once over all sources, leave out those of the benchmarks, hold
    some out for validation. What comes of each row, refused ones included, stays in ``<out>/work``, in pieces: a run
    that was interrupted goes on from there. The files do not depend on the number of workers, as long as no molecule
    runs into the deadline.

    Args:
        out: The folder.
        root: Folder of the published datasets; what is not there and can be downloaded is downloaded to it.
        sources: Keys of :data:`~pyg_moleblend.datasets.corpus.SOURCES`, and where each is: a file or folder, or
            ``None`` for its place under `root`.
        exclude: Keys of :data:`~pyg_moleblend.datasets.corpus.BENCHMARKS`, whose molecules are left out.
        sizes: How many rows to draw from a source; sources that are not named, or have fewer, are taken as a whole.
        rules: Which molecules belong into the corpus; by default those of ``Rules()``.
        valid_size: How many molecules of each source to hold out, at most one in twenty.
        seed: Of the draws.
        num_workers: Worker processes; 0 is this one, without a deadline.
        progress: Whether to show progress bars.

    Returns:
        What the manifest says.

    Raises:
        ValueError: If a name is unknown, a source is not there, or `out` holds another corpus.
        RuntimeError: If a file cannot be downloaded.
    """
    known: Mapping[str, object]
    for what, given, known in (
        ("sources", sources, SOURCES),
        ("sizes", sizes, SOURCES),
        ("benchmarks", exclude, BENCHMARKS),
    ):
        if unknown := sorted(set(given) - set(known)):
            raise ValueError(f"unknown {what} {unknown}: expected some of {', '.join(known)}")
    if not sources:
        raise ValueError(f"a corpus needs a source: {', '.join(SOURCES)}")
    if valid_size < 0 or any(size < 1 for size in sizes.values()):
        raise ValueError(f"sizes must be positive, got valid_size={valid_size} and {dict(sizes)}")
    out, root = Path(out), Path(root).expanduser()
    with sole_writer(out):
        inputs = {
            name: source.open(_path(sources[name]), root, sizes.get(name), seed, progress)
            for name, source in SOURCES.items()
            if name in sources
        }
        benchmarks = {name: open_benchmark(name, root, progress) for name in BENCHMARKS if name in exclude}
        return _build(out, inputs, benchmarks, rules or Rules(), valid_size, seed, num_workers, progress)


def load_pieces(out: Path, work: str) -> Pieces:
    r"""The pieces of a source or benchmark of a corpus, by what its manifest calls ``work``.

    Raises:
        ValueError: If they are not there any more.
    """
    found = sorted((out / work).glob("*.parquet"))
    if not found:
        raise ValueError(f"{out / work} is gone: make the corpus again, in a new folder")
    return Pieces(found)


def _build(
    out: Path,
    inputs: Mapping[str, Input],
    benchmarks: Mapping[str, Input],
    rules: Rules,
    valid_size: int,
    seed: int,
    num_workers: int,
    progress: bool,
) -> dict[str, Any]:
    keys = {name: input_key(given) for name, given in {**inputs, **_prefixed(benchmarks)}.items()}
    settings = settings_of(keys, rules, valid_size, seed)
    if found := standing(out, settings):
        return found

    same = {"format": FORMAT, "rules": rules.to_dict(), **settings["versions"]}
    works = {name: f"{WORK_FOLDER}/{name}-{content_key(input=keys[name], **same)}" for name in keys}
    without = _prefixed(benchmarks)
    functions: dict[str, RecordChunk | KeyChunk] = {
        **{name: KeyChunk(given.reader, rules.max_heavy_atoms) for name, given in without.items()},
        **{name: RecordChunk(given.reader, rules) for name, given in inputs.items()},
    }
    jobs = {
        name: Job(given.rows, functions[name], out / works[name], given.num_taken)
        for name, given in {**without, **inputs}.items()
    }
    pieces = make_pieces(jobs, num_workers, progress)
    kept = merge({name: pieces[name] for name in inputs}, {name: pieces[f"{_PREFIX}{name}"] for name in benchmarks})
    described = {}
    for name, given in inputs.items():
        valid = held_out(kept[name], valid_size, seed)
        path = out / f"{name}.parquet"
        structures = write_source(path, name, pieces[name], kept[name], valid, bool(SOURCES[name].structures))
        counts = describe_source(name, given, pieces[name], kept[name], int(valid.sum()), structures, path)
        described[name] = {**counts, "work": works[name]}
    manifest = {
        "settings": settings,
        "sources": described,
        "benchmarks": {
            name: {**describe_benchmark(name, pieces[f"{_PREFIX}{name}"]), "work": works[f"{_PREFIX}{name}"]}
            for name in benchmarks
        },
    }
    with atomic_write(out / MANIFEST_FILE, "w") as file:
        json.dump(manifest, file, indent=1)
    return manifest


_PREFIX = "without-"


def _prefixed(benchmarks: Mapping[str, Input]) -> dict[str, Input]:
    # QM9 is both: a source by its training part, a benchmark by the others.
    return {f"{_PREFIX}{name}": given for name, given in benchmarks.items()}


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path).expanduser()
