r"""PCQM4Mv2's raw files, row by row: SMILES and labels from the table, structures from the SD file, the split."""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from pyarrow import csv
from torch.serialization import safe_globals

from pyg_moleblend.chem.sdf import cut_records
from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.runtime.open_file import PICKLE_DAMAGE

TABLE_FILE = "raw/data.csv.gz"
SPLIT_FILE = "split_dict.pt"
RELEASE_FILE = "RELEASE_v1.txt"
STRUCTURE_FILES = ("pcqm4m-v2-train.sdf", "pcqm4m-v2-train.sdf.gz", "pcqm4m-v2-train.sdf.tar.gz")
r"""The SD file under any of the names that it may have: unpacked or not."""

Part = Literal["train", "valid", "test-dev", "test-challenge"]
r"""The official parts."""

_reconstruct = np.empty(0).__reduce__()[0]
# What the split's arrays are made of, by the names that old and new versions of numpy give it.
_ARRAYS: list[Any] = [
    (_reconstruct, "numpy.core.multiarray._reconstruct"),
    (_reconstruct, "numpy._core.multiarray._reconstruct"),
    np.ndarray,
    np.dtype,
    type(np.dtype(np.int64)),
    bytes,  # an empty array
]


class SmilesAndRecord(NamedTuple):
    r"""A row: its SMILES, and where it has a structure the record of the SD file."""

    smiles: str
    record: str | None


def read_rows(table: Path, structures: Path | None, train: NDArray[np.int64]) -> Iterator[Rows]:
    r"""The table's rows in their order, with ``y``, the gap in eV, ``[rows, 1]``.

    Record ``i`` of the SD file is of the ``i``-th training molecule, by number.

    Args:
        table: ``data.csv.gz``.
        structures: The SD file, ``None`` to do without.
        train: Numbers of the training molecules.

    Raises:
        ValueError: If a file is damaged, or they contradict each other.
    """
    with ExitStack() as stack:
        records: Iterator[str] = iter(()) if structures is None else stack.enter_context(open_records(structures))
        has_record = np.zeros(0 if structures is None else int(train.max(initial=-1)) + 1, dtype=bool)
        has_record[train[: len(has_record)]] = True
        row = 0
        for batch in _batches(table):
            number, smiles, gap = (batch.column(name) for name in ("idx", "smiles", "homolumogap"))
            if (np.asarray(number) != np.arange(row, row + len(number))).any():
                raise ValueError(f"{table} does not count its molecules from 0 in `idx`; it is not PCQM4Mv2's file")
            entries = []
            for text in smiles.to_pylist():
                record = None
                if row < len(has_record) and has_record[row] and (record := next(records, None)) is None:
                    raise ValueError(f"{structures} ends before training molecule {row}; delete it, it is cut off")
                entries.append(SmilesAndRecord(text, record))
                row += 1
            yield Rows(entries, {"y": gap.to_numpy(zero_copy_only=False).astype(np.float32)[:, None]})
        if next(records, None) is not None:
            raise ValueError(f"{structures} has more records than there are training molecules, {len(train)}")
        if row < len(has_record):
            raise ValueError(f"{table} has {row} rows, but the split names molecule {len(has_record) - 1}")


def read_split(path: Path) -> dict[str, NDArray[np.int64]]:
    r"""Numbers of the molecules of each official part.

    The file is a pickle. It is read without running any code of it: it may hold arrays and plain values only.

    Raises:
        ValueError: If it is damaged, or holds something else.
        FileNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with safe_globals(_ARRAYS):
            content = torch.load(path, map_location="cpu", weights_only=True)
        return {part: np.asarray(content[part], dtype=np.int64) for part in get_args(Part)}
    except PICKLE_DAMAGE as error:
        reason = str(error).rpartition("WeightsUnpickler error:")[2].strip().split("\n")[0] or type(error).__name__
        raise ValueError(f"{path} is damaged or not PCQM4Mv2's split: {reason}; delete it") from error


@contextmanager
def open_records(path: Path) -> Iterator[Iterator[str]]:
    r"""The records of the SD file, one after another, without unpacking it to disk.

    Args:
        path: ``.sdf``, ``.sdf.gz``, or a ``.tar.gz`` that holds one ``.sdf`` file.

    Raises:
        ValueError: If an archive is damaged, which may show after its first records, or holds no SD file.
    """
    try:
        with _open(path) as read:
            yield cut_records(TextIOWrapper(read, encoding="utf-8", errors="backslashreplace"))
    except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}; delete it, and it is downloaded again") from error


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path, "r:gz") as archive:
            wanted = (member for member in archive if member.isreg() and member.name.endswith(".sdf"))
            member = next(wanted, None)
            if member is None:
                raise ValueError(f"{path} holds no .sdf file; delete it, and it is downloaded again")
            yield archive.extractfile(member)
            # What follows the file holds the checksum, which is compared only when it is read.
            while archive.fileobj is not None and archive.fileobj.read(1 << 20):
                pass
    elif path.suffix == ".gz":
        with gzip.open(path) as read:
            yield read
    else:
        with path.open("rb") as plain:
            yield plain


def _batches(path: Path) -> Iterator[Any]:
    types = {"idx": pa.int64(), "smiles": pa.string(), "homolumogap": pa.float64()}
    options = csv.ConvertOptions(include_columns=list(types), column_types=types, strings_can_be_null=False)
    try:
        with gzip.open(path) as file:
            yield from csv.open_csv(file, convert_options=options)
    except (EOFError, gzip.BadGzipFile, pa.ArrowException, zlib.error) as error:
        raise ValueError(f"{path} is damaged or not PCQM4Mv2's table: {error}; delete it") from error
