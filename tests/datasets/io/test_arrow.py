from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from pyg_moleblend.datasets.io.arrow import arrow_named, as_frame, read_feather, read_parquet
from pyg_moleblend.datasets.io.table_files import read_table


def offsets_as_stored(offsets: list[int]) -> bytes:
    return np.array(offsets, np.int32).tobytes()


@pytest.mark.parametrize(
    ("offsets", "content"), [([0, 2, 1 << 28], b"CCO"), ([0, 2, 1], b"CCO"), ([0, 1, 3], b"C\xff\xfe")]
)
@pytest.mark.parametrize("stream", [False, True])
def test_damaged_buffers_are_refused_and_never_read(
    offsets: list[int], content: bytes, stream: bool, tmp_path: Path
) -> None:
    path, table = tmp_path / "a.feather", pa.table({"smiles": ["CC", "O"]})
    if stream:
        with pa.ipc.new_stream(str(path), table.schema) as writer:
            writer.write_table(table)
    else:
        feather.write_feather(table, path, compression="uncompressed")
    damaged = path.read_bytes().replace(offsets_as_stored([0, 2, 3]), offsets_as_stored(offsets))
    path.write_bytes(damaged.replace(b"CCO", content))
    with pytest.raises(ValueError, match=r"a\.feather is damaged"):
        read_table(path)


def test_a_parquet_file_is_read_as_it_is_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"smiles": ["C", "CC"], "n": pa.array([1, None], pa.int64())})
    pq.write_table(table, path)
    assert read_parquet(path).equals(table)
    assert read_parquet(path, ["n"]).column_names == ["n"]
    assert as_frame(table)["n"].tolist() == [1, None]  # an integer with a gap stays one
    with pytest.raises(
        ValueError, match=r"a\.parquet is damaged, or holds what cannot be read: No match for FieldRef.Name\(y\)"
    ):
        read_parquet(path, ["y"])
    path.write_bytes(path.read_bytes()[:-20] + bytes(20))
    with pytest.raises(ValueError, match=r"a\.parquet is damaged"):
        read_parquet(path)
    with pytest.raises(ValueError, match=r"b is damaged, or holds what cannot be read: no"), arrow_named(Path("b")):
        raise pa.ArrowException("no")


def test_feather_is_read_in_both_its_forms(tmp_path: Path) -> None:
    table = pa.table({"smiles": ["C", "CC"]})
    feather.write_feather(table, tmp_path / "a.feather")
    with pa.ipc.new_stream(str(tmp_path / "b.arrows"), table.schema) as writer:
        writer.write_table(table)
    assert read_feather(tmp_path / "a.feather").equals(table)
    assert read_feather(tmp_path / "b.arrows").equals(table)
