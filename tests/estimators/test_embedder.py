import pickle

import numpy as np
import pandas as pd
import pytest
from quick_molecules import SIZE, SMILES
from rdkit import Chem
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.estimators import MoleBlendEmbedder
from pyg_moleblend.inference import embed
from pyg_moleblend.nn import EnvironmentReadout, PooledReadout

X = SMILES[::5]


@pytest.fixture(scope="module")
def vectors():
    return MoleBlendEmbedder(device="cpu").fit_transform(X)


def test_vectors_are_those_of_embed(vectors):
    table = embed("moleblend-tiny", X, modality="2d", device="cpu")
    names = MoleBlendEmbedder().fit(X).get_feature_names_out()
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, table[names].to_numpy())


def test_molecules_graphs_and_smiles_are_one(vectors):
    embedder = MoleBlendEmbedder(device="cpu").fit(X)
    mols, graphs = [Chem.MolFromSmiles(text) for text in X], [from_smiles(text) for text in X]
    np.testing.assert_allclose(embedder.transform(mols), vectors, atol=1e-5)
    np.testing.assert_allclose(embedder.transform(graphs), vectors, atol=1e-5)


def test_a_vector_depends_on_no_other_row(vectors):
    embedder = MoleBlendEmbedder(device="cpu", batch_size=3).fit(X)
    with pytest.warns(UserWarning, match="1 of 24 rows of `X` cannot be read: row 2, 'bad'"):
        found = embedder.transform(["C" * 40, X[7], "bad", *X[:21]])
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(found[3:], vectors[:21], atol=1e-5)
    np.testing.assert_allclose(found[1], vectors[7], atol=1e-5)


def test_frames_keep_index_and_names(vectors):
    series = pd.Series(X, index=[f"m{number}" for number in range(len(X))])
    for given in (series, series.to_frame("drug")):
        frame = MoleBlendEmbedder(device="cpu").set_output(transform="pandas").fit_transform(given)
        assert frame.index.tolist() == series.index.tolist()
        assert frame.columns.tolist() == [f"e{number}" for number in range(vectors.shape[1])]
        np.testing.assert_array_equal(frame.to_numpy(), vectors)


def test_pipeline(vectors):
    model = make_pipeline(MoleBlendEmbedder(device="cpu"), StandardScaler(), Ridge())
    model.fit(X, SIZE[::5])
    expected = make_pipeline(StandardScaler(), Ridge()).fit(vectors, SIZE[::5])
    np.testing.assert_allclose(model.predict(X), expected.predict(vectors), rtol=1e-4)
    assert model.n_features_in_ == 1
    scores = cross_val_score(model, SMILES[::2], SIZE[::2], cv=3, error_score="raise")
    assert scores.mean() > 0.5


@pytest.mark.parametrize("readout", [EnvironmentReadout, PooledReadout(128)], ids=["class", "object"])
def test_readout(readout, vectors):
    embedder = clone(MoleBlendEmbedder(readout=readout, device="cpu")).fit(X)
    found = embedder.transform(X)
    expected = embed("moleblend-tiny", X, modality="2d", device="cpu", readout=embedder.readout)
    np.testing.assert_array_equal(found, expected[embedder.get_feature_names_out()].to_numpy())
    assert found.shape[1] > vectors.shape[1]


def test_pickle_holds_the_encoder(vectors):
    embedder = pickle.loads(pickle.dumps(MoleBlendEmbedder(device="cpu").fit(X)))
    embedder.encoder = "nowhere/to-be-found"
    np.testing.assert_array_equal(embedder.transform(X), vectors)


def test_conformers_are_found_where_3d_is_wanted(vectors):
    found = MoleBlendEmbedder(modality="2d+3d", device="cpu").fit_transform(X[:3])
    assert np.isfinite(found).all()
    assert np.abs(found - vectors[:3]).max() > 1e-3


def test_errors():
    with pytest.raises(NotFittedError):
        MoleBlendEmbedder().transform(X)
    with pytest.raises(NotFittedError):
        MoleBlendEmbedder().get_feature_names_out()
    with pytest.raises(FileNotFoundError, match="no packaged encoder"):
        MoleBlendEmbedder("nowhere").fit(X)
    with pytest.raises(ValueError, match="modality"):
        MoleBlendEmbedder(modality="4d").fit(X)
    with pytest.raises(ValueError, match="a float in row 0"):
        MoleBlendEmbedder().fit([0.5])
