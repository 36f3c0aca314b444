import numpy as np
import pandas as pd

from pyg_moleblend.metrics.predictions import PartPredictions, write_predictions

NAN = float("nan")


def of(part: str, rows: list[int], **values) -> PartPredictions:
    arrays = {name: np.array(value, dtype=np.float64) for name, value in values.items()}
    return PartPredictions(
        part, np.array(rows), [f"m{row}" for row in rows], arrays, {"similarity": np.ones(len(rows))}
    )


def test_each_target_has_its_columns_and_each_part_its_rows(tmp_path):
    valid = of("valid", [7, 2], label=[[1, 2], [NAN, 4]], prediction=[[5, 6], [7, 8]])
    test = of("test", [0], label=[[9, 10]], prediction=[[11, 12]], lower=[[0, 1]])
    frame = pd.read_csv(write_predictions(tmp_path, ["a", "b, in eV"], [valid, test]))
    assert frame["part"].tolist() == ["valid", "valid", "test"]
    assert frame["row"].tolist() == [7, 2, 0]
    assert frame["smiles"].tolist() == ["m7", "m2", "m0"]
    assert frame["prediction:b, in eV"].tolist() == [6, 8, 12]
    assert frame["label:a"].isna().tolist() == [False, True, False]
    assert frame["lower:a"].isna().tolist() == [True, True, False]
    assert list(frame)[:4] == ["part", "row", "smiles", "similarity"]


def test_a_run_without_held_out_molecules_has_an_empty_table(tmp_path):
    nothing = of("test", [], label=np.empty((0, 1)), prediction=np.empty((0, 1)))
    frame = pd.read_csv(write_predictions(tmp_path, ["a"], [nothing]))
    assert (len(frame), list(frame)) == (0, ["part", "row", "smiles", "label:a", "prediction:a"])
