import numpy as np
import pytest

from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, features_of
from pyg_moleblend.quick.inputs import FOREST_FOLD, FOREST_WIDTH, Inputs
from pyg_moleblend.quick.scaler import Scaler

SMILES = ["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1"]


@pytest.fixture(scope="module")
def features():
    return features_of(SMILES)


def test_descriptors_are_taken_by_name(features):
    found = Inputs.of(features, ("TPSA", "MolLogP")).dense["descriptors"]
    assert (found[:, 0] == features.descriptors[:, DESCRIPTOR_NAMES.index("TPSA")]).all()
    with pytest.raises(ValueError, match="'Nonsense'"):
        Inputs.of(features, ("TPSA", "Nonsense"))


def test_what_is_not_finite_is_missing(features):
    found = Inputs.of(features, DESCRIPTOR_NAMES, {"numbers": np.array([[np.inf], [1.0], [-np.inf]])}).dense["numbers"]
    assert np.isnan(found).tolist() == [[True], [False], [True]]


@pytest.mark.parametrize("shape", [(2, 4), (3,), (3, 4, 1)])
def test_shapes(features, shape):
    with pytest.raises(ValueError, match=r"`extra\['vectors'\]` must be \[3, columns\]"):
        Inputs.of(features, DESCRIPTOR_NAMES, {"vectors": np.zeros(shape)})


@pytest.mark.parametrize("name", ["descriptors", "morgan", "a/b"])
def test_names_that_mean_something_else_are_refused(features, name):
    with pytest.raises(ValueError, match=f"`extra` cannot have the name '{name}'"):
        Inputs.of(features, DESCRIPTOR_NAMES, {name: np.zeros((3, 2))})


def test_folding_loses_no_count(features):
    inputs = Inputs.of(features, ("TPSA", "MolLogP"))
    columns = inputs.columns({"descriptors": Scaler.fit(inputs.dense["descriptors"])})
    assert columns.shape == (3, 2 + 3 * FOREST_FOLD + 167)
    morgan, found = features.counts["morgan"].toarray(), columns[:, 2 : 2 + FOREST_FOLD]
    for row in range(3):
        for column in range(FOREST_FOLD):
            assert found[row, column] == sum(morgan[row, column::FOREST_FOLD])


def test_a_forest_leaves_wide_inputs_to_the_kernels(features):
    narrow, wide = np.zeros((3, FOREST_WIDTH)), np.zeros((3, FOREST_WIDTH + 1))
    widths = {}
    for name, values in (("none", None), ("narrow", narrow), ("wide", wide)):
        inputs = Inputs.of(features, ("TPSA",), None if values is None else {"numbers": values})
        scalers = {key: Scaler.fit(dense) for key, dense in inputs.dense.items()}
        widths[name] = inputs.columns(scalers).shape[1]
    assert widths["narrow"] == widths["none"] + FOREST_WIDTH
    assert widths["wide"] == widths["none"]
