import numpy as np
import torch

from pyg_moleblend.chem import Conformers
from pyg_moleblend.inference.loaded_model import NOT_FINITE, LoadedModel


def frame(smiles, values):
    r"""Results for SMILES, of a model that gives these values for those it can read."""
    given = torch.tensor(values, dtype=torch.float64)
    model = LoadedModel(lambda batch: given, ["a", "b"], torch.float64, (), None, "2d", Conformers(), (), 64, "cpu")
    reading = model.reader(None)(smiles, [0] * len(smiles), lambda row: None)
    return model.of_reading(reading, [""] * len(smiles))


def test_what_is_not_finite_is_no_result_and_its_status_says_so():
    found = frame(["C", "N", "bad"], [[1.0, 2.0], [float("inf"), 3.0]])
    assert found["status"].tolist()[:2] == ["ok", NOT_FINITE]
    np.testing.assert_array_equal(found[["a", "b"]], [[1, 2], [np.nan, 3], [np.nan, np.nan]])


def test_numbers_have_one_type_whether_there_are_any_or_none():
    some, none = frame(["C"], [[1.0, 2.0]]), frame(["bad"], [])
    assert some["a"].dtype == none["a"].dtype == np.float64
