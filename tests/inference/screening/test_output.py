from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pyg_moleblend.inference.screening.output import Tally, open_output, value_columns

FIRST = pd.DataFrame({"id": ["0"], "smiles": [None], "y": np.array([np.nan], dtype=np.float32), "status": ["no"]})
SECOND = pd.DataFrame(
    {"id": ["1", "2"], "smiles": ["C", "CC"], "y": np.array([0.1, 2.0], dtype=np.float32), "status": ["ok", "2D only"]}
)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_portions_are_one_table(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    with open_output(out) as write:
        write(FIRST)
        write(SECOND)
        assert not out.exists()
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet}.get(suffix, lambda path: pd.read_csv(path, sep="\t"))(out)
    assert list(read) == ["id", "smiles", "y", "status"]
    assert read["y"].isna().tolist() == [True, False, False]
    assert read["y"][1] == pytest.approx(0.1)
    assert read["smiles"].isna().tolist() == [True, False, False]


def test_what_is_interrupted_is_not_there(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"

    def interrupted() -> None:
        with open_output(out) as write:
            write(FIRST)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_the_standard_output_is_csv(capsys: pytest.CaptureFixture[str]) -> None:
    with open_output(None) as write:
        write(FIRST)
        write(SECOND)
    assert capsys.readouterr().out == "id,smiles,y,status\n0,,,no\n1,C,0.1,ok\n2,CC,2.0,2D only\n"


def test_a_tally_counts_what_failed_and_what_lacks_3d() -> None:
    assert value_columns(SECOND) == ["y"]
    assert Tally.of(FIRST) == Tally(1, 1, 0)
    assert Tally.of(FIRST).plus(Tally.of(SECOND)) == Tally(3, 1, 1)
