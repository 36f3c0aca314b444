import numpy as np
import pytest
import torch
from quick_molecules import SIZE, SMILES

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets.recipe import RECIPE_KEY, Recipe
from pyg_moleblend.inference import predict, run_batches
from pyg_moleblend.inference.loaded_model import SIMILARITY
from pyg_moleblend.inference.quick_predictor import (
    embedding_readout,
    load_quick_predictor,
    save_quick_predictor,
    split_vectors,
)
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlend, MoleBlendForEmbedding
from pyg_moleblend.quick import QuickModel

FEW, NEW = SMILES[:40], ["CCCCO", "c1ccccc1CC"]
TASK = Task("regression", ("size",), ("atoms",), (0.0,), (1.0,))
METADATA = {"task": TASK.to_dict(), "modality": "2d", RECIPE_KEY: Recipe().to_dict()}


@pytest.fixture
def embedder(config):
    torch.manual_seed(0)
    encoder = MoleBlend(config)
    return MoleBlendForEmbedding(encoder, embedding_readout(encoder)).eval()


def vectors(embedder, smiles):
    return split_vectors(embedder, run_batches(lambda batch: embedder(batch, "2d"), [from_smiles(s) for s in smiles]))


def test_vectors_are_split_by_the_parts_of_the_readout(embedder):
    found = vectors(embedder, FEW)
    sizes = embedder.readout.sizes
    assert sum(sizes.values()) == embedder.readout.out_channels
    assert {name: values.shape for name, values in found.items()} == {n: (40, size) for n, size in sizes.items()}


def test_what_is_saved_predicts_the_same(embedder, tmp_path):
    model = QuickModel.fit(FEW, SIZE[:40], ["size"], extra=vectors(embedder, FEW), members=["gp"], folds="random")
    folder = save_quick_predictor(model, embedder, tmp_path / "model", METADATA)
    expected = model.predict(NEW, vectors(embedder, NEW))
    frame = predict(folder, NEW, device="cpu")
    assert np.allclose(frame["size"], expected.values[:, 0], rtol=1e-4)
    lower, upper = model.interval(expected, 0.9)
    assert np.allclose(frame[["size_lower", "size_upper"]], np.hstack([lower, upper]), rtol=1e-3, atol=1e-3)
    assert np.allclose(frame[SIMILARITY], expected.similarity)


def test_an_encoder_that_was_exchanged_is_refused(embedder, config, tmp_path):
    model = QuickModel.fit(FEW, SIZE[:40], ["size"], extra=vectors(embedder, FEW), members=["gp"], folds="random")
    folder = save_quick_predictor(model, embedder, tmp_path / "model", METADATA)
    weights = folder / "embedder" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match="is not that of the model"):
        load_quick_predictor(folder)


def test_without_an_encoder_nothing_looks_at_3d(tmp_path):
    model = QuickModel.fit(FEW, SIZE[:40], ["size"], members=["gp"], folds="random")
    folder = save_quick_predictor(model, None, tmp_path / "model", METADATA)
    assert np.allclose(predict(folder, NEW, device="cpu")["size"], model.predict(NEW).values[:, 0])
    with pytest.raises(ValueError, match=r"nothing in the model .* looks at 3D"):
        load_quick_predictor(folder, "2d+3d")
