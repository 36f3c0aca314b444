r"""Where the corpus's molecules come from: what each source is, and where its files are."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.datasets.corpus.inputs import Input, find_files, text_rows
from pyg_moleblend.datasets.corpus.ranks import ranks, smallest
from pyg_moleblend.datasets.corpus.reading import read_pcqm4mv2, read_qm9
from pyg_moleblend.datasets.io.entries import PackedMol
from pyg_moleblend.datasets.io.raw import fetch, installed_file
from pyg_moleblend.datasets.pcqm4mv2.raw import SPLIT_FILE, STRUCTURE_FILES, TABLE_FILE, read_rows, read_split
from pyg_moleblend.datasets.qm9.dataset import NUM_MOLECULES, SPLIT_SEED, SPLIT_SIZES
from pyg_moleblend.datasets.qm9.sources import RAW_FILES, Record, package_files, read_package, read_raw

MOSES_URL = (
    "https://files.pythonhosted.org/packages/ca/04/335f23e9ae95ca381ac7c3f335303dbbeb0f8a604d167891cf60c9360178/"
    "molsets-0.3.1-py3-none-any.whl"
)
MOSES_FILE = "moses/dataset/data/train.csv.gz"
MOSES_SHA256 = "7f4450e3ebecebe79c3a2a55950c93daddee071120daf64a163d03481e811d34"

_TABLES = (".smi", ".smi.gz", ".txt", ".txt.gz", ".csv", ".csv.gz", ".tsv", ".tsv.gz")


class Source(NamedTuple):
    r"""One of the sources.

    Attributes:
        title: What it is.
        licence: Of the molecules.
        citation: Whom to cite.
        structures: Whether its molecules have coordinates, and by which method.
        open: ``(path, root, size, seed, progress) -> Input``: `path` is where the user has it, ``None`` for its place
            under `root`; `size` is how many molecules are wanted, where there are more than that.
    """

    title: str
    licence: str
    citation: str
    structures: str
    open: Callable[[Path | None, Path, int | None, int, bool], Input]


def open_moses(path: Path | None, root: Path, size: int | None, seed: int, progress: bool) -> Input:
    r"""MOSES's training part: what is in its place, or the installed package, or the download."""
    folder = root / "moses"
    if path is None and not any(folder.glob("*train*")):
        path = installed_file("moses", MOSES_FILE.removeprefix("moses/"))
        if path is None:
            remedy = f"pip install --no-deps molsets, or put its {MOSES_FILE} into {folder}"
            fetch(MOSES_URL, folder, {MOSES_FILE: "train.csv.gz"}, remedy, progress, MOSES_SHA256)
    return text_rows(find_files(path or folder, _TABLES, "train"), size, seed)


def open_chembl(path: Path | None, root: Path, size: int | None, seed: int, progress: bool) -> Input:
    r"""SMILES files of ChEMBL, in alphabetical order: any selection of it, or its own ``chembl_XX_chemreps.txt.gz``."""
    return text_rows(find_files(path or root / "chembl", _TABLES), size, seed)


def open_qm9(path: Path | None, root: Path, size: int | None, seed: int, progress: bool) -> Input:
    r"""The training part of :class:`~pyg_moleblend.datasets.QM9`'s split."""
    return qm9_rows(path, root, False, size, seed)


def open_pcqm4mv2(path: Path | None, root: Path, size: int | None, seed: int, progress: bool) -> Input:
    r"""PCQM4Mv2's official training part from OGB's folder, or any tables of its CXSMILES with hydrogens."""
    path = path or root / "pcqm4m-v2"
    if not (path / TABLE_FILE).is_file():
        return text_rows(find_files(path, (".csv", ".csv.gz")), size, seed, cxsmiles=True)
    table, split = path / TABLE_FILE, path / SPLIT_FILE
    near = (folder / name for folder in (path, path / "raw", path.parent) for name in STRUCTURE_FILES)
    structures = next((file for file in near if file.is_file()), None)
    train = read_split(split)["train"]
    taken, choice = _drawn(train, size, seed)

    def rows() -> Iterator[tuple[int, Any]]:
        wanted = np.zeros(int(train.max(initial=-1)) + 1, dtype=bool)
        wanted[taken] = True
        entries = chain.from_iterable(portion.entries for portion in read_rows(table, structures, train))
        # To its end, though the training part comes first: only then it is known that the files are whole.
        return ((row, entry) for row, entry in enumerate(entries) if row < len(wanted) and wanted[row])

    files = [table, split, *([] if structures is None else [structures])]
    return Input(files, rows, read_pcqm4mv2, len(train), len(taken), {"part": "train", **choice})


def qm9_rows(path: Path | None, root: Path, held_out: bool, size: int | None = None, seed: int = 0) -> Input:
    r"""QM9's training part, or the two others.

    Args:
        path: Folder of PyG's raw files; ``None`` for those under `root`, or else the installed package ``qm9pack``.
        root: Folder of the datasets.
        held_out: Whether the validation and test parts are wanted, not the training part.
        size: How many molecules are wanted, where there are more than that.
        seed: Of their draw.

    Raises:
        ValueError: If there are no files, or they do not hold all of QM9.
    """
    folder = path or root / "qm9" / "raw"
    raw = [folder / name for name in RAW_FILES]
    there = all(file.is_file() for file in raw)
    package = None if there or path is not None else package_files()
    if package is None and not there:
        raise ValueError(
            f"there is no QM9: pip install 'pyg-moleblend[qm9]', or put {', '.join(RAW_FILES)} into {folder}"
        )

    order = torch.randperm(NUM_MOLECULES, generator=torch.Generator().manual_seed(SPLIT_SEED))
    part = order[SPLIT_SIZES[0] :] if held_out else order[: SPLIT_SIZES[0]]
    taken, choice = _drawn(np.asarray(part.sort().values), size, seed)

    def rows() -> Iterator[tuple[int, Record]]:
        files = read_raw(folder) if package is None else read_package(package)
        if (found := len(files.number)) != NUM_MOLECULES:
            raise ValueError(f"QM9 has {NUM_MOLECULES} molecules, the files hold {found}: they are incomplete")
        for row, record in zip(taken.tolist(), files.records(taken), strict=True):
            mol = record.entry
            yield row, record._replace(entry=PackedMol.of(mol)) if isinstance(mol, Chem.Mol) else record

    choice = {"part": "valid and test" if held_out else "train", "seed": SPLIT_SEED, **choice}
    return Input(package or raw, rows, read_qm9, NUM_MOLECULES, len(taken), choice)


def _drawn(rows: NDArray[np.int64], size: int | None, seed: int) -> tuple[NDArray[np.int64], dict[str, Any]]:
    r"""Some of the rows, in their order, by a hash of their numbers, and what they follow from besides these."""
    if size is None or size >= len(rows):
        return rows, {}
    return rows[smallest(ranks(map(str, rows.tolist()), "sample", seed), size)], {"size": size, "sample_seed": seed}


SOURCES: dict[str, Source] = {
    "qm9": Source(
        "QM9, the training part of its split",
        "CC0",
        "Ramakrishnan et al. 2014, doi:10.1038/sdata.2014.22",
        "B3LYP/6-31G(2df,p)",
        open_qm9,
    ),
    "pcqm4mv2": Source(
        "PCQM4Mv2 (OGB-LSC), the training part",
        "CC BY 4.0",
        "Hu et al. 2021, arXiv:2103.09430; Nakata and Shimazaki 2017, doi:10.1021/acs.jcim.7b00083",
        "B3LYP/6-31G*",
        open_pcqm4mv2,
    ),
    "chembl": Source(
        "ChEMBL",
        "CC BY-SA 3.0",
        "Zdrazil et al. 2024, doi:10.1093/nar/gkad1004",
        "",
        open_chembl,
    ),
    "moses": Source(
        "MOSES, the training part: lead-like molecules of ZINC",
        "MIT",
        "Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644",
        "",
        open_moses,
    ),
}
r"""The sources by name. A molecule that is in several belongs to the first: those with structures come first."""
