r"""The corpus's files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pyg_moleblend.datasets.corpus.merge import Kept
from pyg_moleblend.datasets.corpus.pieces import Pieces
from pyg_moleblend.datasets.corpus.records import RECORDS
from pyg_moleblend.runtime.files import atomic_write

PARTS = ("train", "valid")

_NAME = pa.dictionary(pa.int8(), pa.string())

COLUMNS = pa.schema(
    {
        "smiles": pa.string(),
        "source": _NAME,
        "row": pa.int64(),
        "skeleton": pa.string(),
        "part": _NAME,
        "heavy_atoms": pa.int16(),
        "charge": pa.int8(),
    }
)
r"""Columns of a source's file: canonical SMILES, the source's name and the row of its files, the key by which no other
row is the same molecule, ``"train"`` or ``"valid"``, and two counts."""

POSITIONS = RECORDS.field("pos")
r"""One more where the source has structures: x, y, z in Å of the atoms of ``parse_smiles(smiles)`` in their order, one
after another; null for a molecule without."""


def write_source(path: Path, name: str, pieces: Pieces, kept: Kept, valid: NDArray[np.bool_], structures: bool) -> int:
    r"""Writes what is left of a source, in the order of its rows, atomically and a piece at a time.

    Args:
        path: The file.
        name: Name of the source.
        pieces: What was found of its rows.
        kept: Which of them are kept.
        valid: Which of those are for validation, ``[M]``.
        structures: Whether there is to be a column for coordinates.

    Returns:
        The number of molecules with coordinates.
    """
    schema = COLUMNS.append(POSITIONS) if structures else COLUMNS
    start = count = 0
    with atomic_write(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in pieces.take(kept.positions):
            stop = start + len(rows)
            columns = {field: rows[field] for field in schema.names if field in rows.column_names}
            columns["source"] = _encoded(np.zeros(len(rows), np.int8), (name,))
            columns["part"] = _encoded(valid[start:stop].astype(np.int8), PARTS)
            writer.write_table(pa.table({field: columns[field] for field in schema.names}, schema=schema))
            count += len(rows) - rows["pos"].null_count
            start = stop
    return count


def _encoded(codes: NDArray[np.int8], names: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names))
