from pathlib import Path

import pytest

from pyg_moleblend.runtime.sole_writer import sole_writer


def test_one_at_a_time_and_again_when_it_has_ended_however(tmp_path: Path) -> None:
    with sole_writer(tmp_path), pytest.raises(ValueError, match=f"another process makes shards in {tmp_path}"):
        sole_writer(tmp_path).__enter__()
    with pytest.raises(RuntimeError, match="fell over"), sole_writer(tmp_path):
        raise RuntimeError("fell over")
    with sole_writer(tmp_path):
        pass
