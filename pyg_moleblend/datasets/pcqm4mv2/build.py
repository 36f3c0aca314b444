r"""PCQM4Mv2's shards: from the raw files, which are downloaded where they are not in place, once."""

from pathlib import Path
from typing import Any

import rdkit
from filelock import FileLock

import pyg_moleblend
from pyg_moleblend.chem.structure import Chirality
from pyg_moleblend.datasets.io.download import download
from pyg_moleblend.datasets.io.raw import fetch
from pyg_moleblend.datasets.pcqm4mv2.raw import (
    RELEASE_FILE,
    SPLIT_FILE,
    STRUCTURE_FILES,
    TABLE_FILE,
    read_rows,
    read_split,
)
from pyg_moleblend.datasets.pcqm4mv2.reading import ReadPairs
from pyg_moleblend.datasets.shards.build import build_shards
from pyg_moleblend.datasets.shards.folder import (
    CONFORMER_ERRORS_FILE,
    FAILURES_FILE,
    KEY_FILE,
    MANIFEST_FILE,
    load_manifest,
    shard_path,
)
from pyg_moleblend.runtime.files import content_key, digest_of
from pyg_moleblend.runtime.open_file import content_named, read_json

TABLE_URL = "https://dgl-data.s3-accelerate.amazonaws.com/dataset/OGB-LSC/pcqm4m-v2.zip"
STRUCTURE_URL = "http://ogb-data.stanford.edu/data/lsc/pcqm4m-v2-train.sdf.tar.gz"
STRUCTURE_MD5 = "fd72bce606e7ddf36c2a832badeec6ab"

DEADLINE = 10.0
r"""Seconds for one molecule; a millisecond is usual."""


def prepare_pcqm4mv2(
    raw: Path, structures: bool, chirality: Chirality, num_workers: int, shard_size: int, progress: bool
) -> Path:
    r"""Builds the shards if they are not there; for the arguments see :class:`~pyg_moleblend.datasets.PCQM4Mv2`.

    Args:
        raw: The folder ``pcqm4m-v2``.
        structures: Whether to have the coordinates.
        chirality: Whose stereochemistry the molecules have.
        num_workers: Processes; 0 is this one.
        shard_size: Rows of a shard.
        progress: Whether to show what is done.

    Returns:
        The folder of the shards, named for everything that they depend on.

    Raises:
        ValueError: If a raw file is damaged.
        RuntimeError: If a raw file is not in place and cannot be downloaded.
    """
    table, split = raw / TABLE_FILE, raw / SPLIT_FILE
    lock = FileLock(raw / ".lock")  # of several processes one downloads and builds, the others wait
    if not (table.is_file() and split.is_file()):
        raw.mkdir(parents=True, exist_ok=True)
        names = {f"pcqm4m-v2/{name}": name for name in (TABLE_FILE, SPLIT_FILE, RELEASE_FILE)}
        with lock:
            if not (table.is_file() and split.is_file()):
                fetch(TABLE_URL, raw, names, f"put OGB's files into {raw}", progress)
    key: dict[str, Any] = {
        "dataset": "PCQM4Mv2",
        "structures": structures,
        "chirality": chirality,
        "hydrogens": "remove",
        "raw": {path.name: path.stat().st_size for path in (table, split)},
        "split_sha256": digest_of(split),
        "pyg_moleblend": pyg_moleblend.__version__,
        "rdkit": rdkit.__version__,
    }
    sdf = _structure_file(raw) if structures else None
    if structures and sdf is None:
        if built := _built(raw / "shards", {**key, "shard_size": shard_size}):
            return built
        with lock:
            sdf = download(STRUCTURE_URL, raw / STRUCTURE_FILES[-1], md5=STRUCTURE_MD5, progress=progress)
    if sdf is not None:
        key["raw"][sdf.name] = sdf.stat().st_size
    folder = raw / "shards" / content_key(**key, shard_size=shard_size)
    if not _is_there(folder):
        official = read_split(split)
        with lock:
            build_shards(
                read_rows(table, sdf, official["train"]),
                folder,
                key,
                ReadPairs(chirality),
                shard_size=shard_size,
                num_workers=num_workers,
                deadline=DEADLINE,
                facts={"target_names": ["homolumogap"]},
                progress="PCQM4Mv2" if progress else None,
                total=sum(map(len, official.values())),
            )
    return folder


def _structure_file(raw: Path) -> Path | None:
    places = (folder / name for folder in (raw, raw / "raw", raw.parent) for name in STRUCTURE_FILES)
    return next((path for path in places if path.is_file()), None)


def _is_there(folder: Path) -> bool:
    r"""Whether the folder looks complete; what is damaged within a file shows when the file is read."""
    if not all((folder / name).is_file() for name in (MANIFEST_FILE, FAILURES_FILE, CONFORMER_ERRORS_FILE)):
        return False
    paths = ((shard_path(folder, number), shard) for number, shard in enumerate(load_manifest(folder).shards))
    return all(path.is_file() and path.stat().st_size == shard.bytes for path, shard in paths)


def _built(shards: Path, key: dict[str, Any]) -> Path | None:
    r"""A complete folder with this key, whatever the SD file was, which is there no more."""
    for path in sorted(shards.glob(f"*/{KEY_FILE}")):
        found = read_json(path)
        with content_named(path):
            raw = {name: size for name, size in found["raw"].items() if name not in STRUCTURE_FILES}
            same = {**{name: found.get(name) for name in key}, "raw": raw} == key
        if same and _is_there(path.parent):
            return path.parent
    return None
