import pickle
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from quick_molecules import SIZE, SMILES
from rdkit import Chem
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.estimators import MoleBlendRegressor
from pyg_moleblend.inference import predict
from pyg_moleblend.models import MoleBlend
from pyg_moleblend.nn import BCE, Gaussian
from pyg_moleblend.training import Machine, Schedule

X, Y = SMILES[::5], SIZE[::5].astype(float)  # 24


@pytest.fixture(scope="module")
def fitted(tiny):
    return MoleBlendRegressor(**tiny).fit(X, Y)


def test_it_learns_from_a_pretrained_encoder(tiny):
    schedule = Schedule(epochs=8, batch_size=8, learning_rate=1e-3)
    model = MoleBlendRegressor(schedule=schedule, machine=tiny["machine"]).fit(SMILES[::2], SIZE[::2])
    assert model.score(SMILES[1::2], SIZE[1::2]) > 0.7


def test_predictions_are_those_of_the_saved_model(fitted, tmp_path):
    folder = save_pretrained(fitted.model_, tmp_path / "model", fitted.metadata_)
    table = predict(folder, X, device="cpu")
    np.testing.assert_allclose(fitted.predict(X), table["target_0"], rtol=1e-6)
    assert fitted.metrics_["valid"]["molecules"] == 2


def test_molecules_graphs_and_smiles_are_one(fitted, tiny):
    mols = [Chem.MolFromSmiles(text) for text in X]
    graphs = [from_smiles(text) for text in X]
    expected = fitted.predict(X)
    np.testing.assert_allclose(fitted.predict(mols), expected, rtol=1e-6)
    np.testing.assert_allclose(fitted.predict(graphs), expected, rtol=1e-6)
    np.testing.assert_allclose(clone(fitted).fit(mols, Y).predict(X), expected, rtol=1e-5)
    np.testing.assert_allclose(clone(fitted).fit(graphs, Y).predict(X), expected, rtol=1e-5)
    assert "y" not in graphs[0]


def test_order_of_rows_and_what_is_no_molecule(fitted):
    expected = fitted.predict(X)
    given = ["bad", *X[::-1], None]
    with pytest.warns(UserWarning, match=r"2 of 26 rows of `X` cannot be read: row 0, 'bad': .*; row 25, '': .*NaN"):
        found = fitted.predict(given)
    assert np.isnan(found[[0, -1]]).all()
    np.testing.assert_allclose(found[1:-1], expected[::-1], rtol=1e-5)


def test_fitting_refuses_what_is_no_molecule(tiny):
    with pytest.raises(ValueError, match=r"1 of 24 rows of `X` cannot be read: row 3, 'bad': .*leave them out of `X`"):
        MoleBlendRegressor(**tiny).fit([*X[:3], "bad", *X[4:]], Y)


def test_seed_says_everything_and_random_states_stay(fitted, tiny):
    torch.manual_seed(3)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002 (scikit-learn draws from it)
    model = clone(fitted).fit(X, Y)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])
    again = model.predict(X)
    np.testing.assert_array_equal(again, fitted.predict(X))
    assert not np.array_equal(clone(fitted).set_params(seed=1).fit(X, Y).predict(X), again)


def test_pickle_predicts_the_same_and_nothing_is_left_behind(fitted, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    again = clone(fitted).fit(X, Y)
    assert list(Path(tmp_path).iterdir()) == []
    copy = pickle.loads(pickle.dumps(again))
    np.testing.assert_array_equal(copy.predict(X), again.predict(X))


def test_it_is_silent(fitted, capfd, recwarn):
    clone(fitted).fit(X, Y).predict(X)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    assert not [str(warning.message) for warning in recwarn if not issubclass(warning.category, DeprecationWarning)]


def test_several_targets_with_missing_labels(tiny):
    both = np.column_stack([Y, -10 * Y])
    both[::3, 0] = both[1::3, 1] = np.nan
    model = MoleBlendRegressor(**tiny).fit(X, pd.DataFrame(both, columns=["a", "b"]))
    predicted = model.predict(X)
    assert predicted.shape == (24, 2)
    known = ~np.isnan(both)
    expected = np.mean([r2_score(both[known[:, t], t], predicted[known[:, t], t]) for t in (0, 1)])
    assert model.score(X, both) == pytest.approx(expected)
    np.testing.assert_allclose(model.metadata_["task"]["mean"][1], -10 * model.metadata_["task"]["mean"][0], rtol=0.3)


def test_search_over_the_schedule(tiny):
    model = MoleBlendRegressor(**tiny)
    grid = {"schedule__learning_rate": [1e-2, 1e-4], "schedule__epochs": [1]}
    search = GridSearchCV(model, grid, cv=2, scoring="neg_mean_absolute_error", error_score="raise").fit(X, Y)
    assert search.best_estimator_.schedule.epochs == 1
    assert search.best_estimator_.schedule.batch_size == 8
    assert search.best_params_["schedule__learning_rate"] in grid["schedule__learning_rate"]
    assert model.schedule.epochs == 2
    assert search.predict(X).shape == (24,)


def test_cross_validation_of_molecules(tiny):
    mols = [Chem.MolFromSmiles(text) for text in X]
    scores = cross_val_score(MoleBlendRegressor(**tiny), mols, Y, cv=2, error_score="raise")
    assert np.isfinite(scores).all()


def test_conformers_are_found_where_3d_is_wanted(tiny):
    model = MoleBlendRegressor(**tiny, modality="3d").fit(X, Y)
    assert model.metadata_["modality"] == "3d"
    assert model.metadata_["recipe"]["conformers"]["seed"] == 0
    assert np.isfinite(model.predict(X)).all()


def test_every_encoder_that_finetune_takes(tiny, tmp_path):
    torch.manual_seed(0)
    module = MoleBlend(tiny["encoder"])
    folder = save_pretrained(module, tmp_path / "encoder")
    settings = {**tiny, "schedule": Schedule(steps=1)}
    of_module = MoleBlendRegressor(**{**settings, "encoder": module}).fit(X, Y).predict(X)
    of_folder = MoleBlendRegressor(**{**settings, "encoder": folder}).fit(X, Y).predict(X)
    np.testing.assert_allclose(of_folder, of_module, rtol=1e-6)
    for name, weight in from_pretrained(folder).state_dict().items():
        assert torch.equal(weight, module.state_dict()[name])  # it was not trained itself


def test_nested_arguments_start_from_the_defaults():
    model = MoleBlendRegressor().set_params(schedule__epochs=3, seed=4, machine__accelerator="cpu")
    assert (model.schedule, model.seed) == (Schedule(epochs=3, batch_size=32, learning_rate=5e-4), 4)
    assert model.machine == Machine(accelerator="cpu", devices=1, progress=False)
    assert MoleBlendRegressor().get_params()["schedule__epochs"] == 40
    assert MoleBlendRegressor().get_params(deep=False)["schedule"] is None
    with pytest.raises(ValueError, match="no arguments \\['schedule__epoch'\\]"):
        MoleBlendRegressor().set_params(schedule__epoch=3)
    with pytest.raises(ValueError, match="`epochs` must be a whole number"):
        MoleBlendRegressor().set_params(schedule__epochs=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation_fraction": 1.0}, "`validation_fraction` must lie in"),
        ({"modality": "4d"}, "modality"),
        ({"schedule": 5}, "`schedule` must be a Schedule, got 5"),
        ({"machine": "cpu"}, "`machine` must be a Machine, got 'cpu'"),
        ({"machine": Machine(devices=2)}, "fitted on one device, got devices=2"),
        ({"patience": 3, "validation_fraction": 0.0}, "`patience` needs validation molecules"),
    ],
)
def test_arguments_are_checked(tiny, changes, message):
    with pytest.raises(ValueError, match=message):
        MoleBlendRegressor(**{**tiny, **changes}).fit(X, Y)


def test_labels_are_checked(tiny):
    model = MoleBlendRegressor(**tiny)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, Y[:-1])
    with pytest.raises(ValueError, match="infinity"):
        model.fit(X, [*Y[:-1], np.inf])
    with pytest.raises(ValueError, match="no training molecule has a label"):
        model.fit(X, np.full(len(X), np.nan))
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_a_criterion_is_learnt_by_and_saved(tiny, tmp_path):
    criterion = Gaussian()
    model = clone(MoleBlendRegressor(**tiny, criterion=criterion)).fit(X, Y)
    assert isinstance(model.model_.criterion, Gaussian)
    assert model.model_.criterion is not model.criterion  # which a fit does not change
    folder = save_pretrained(model.model_, tmp_path, model.metadata_)
    frame = predict(folder, X[:3], device="cpu")
    assert np.allclose(frame.iloc[:, 2], model.predict(X[:3]), rtol=1e-4)
    assert (frame.filter(like="_std").to_numpy() > 0).all()
    with pytest.raises(ValueError, match="classification"):
        MoleBlendRegressor(**tiny, criterion=BCE()).fit(X, Y)
