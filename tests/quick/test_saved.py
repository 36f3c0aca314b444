import json

import numpy as np
import pytest
import quick_molecules
from safetensors.numpy import load_file, save_file

from pyg_moleblend.quick import QuickModel
from pyg_moleblend.quick.saved import ARRAY_FILE, TEXT_FILE
from pyg_moleblend.runtime.files import digest_of

SMILES, SIZE, IS_RING = quick_molecules.SMILES, quick_molecules.SIZE.astype(float), quick_molecules.IS_RING


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyg_moleblend.quick.forest.fit_forest.__defaults__", (10,))
        yield


@pytest.fixture(scope="module")
def models():
    gaps = np.column_stack([SIZE, np.where(np.arange(120) % 4 == 1, np.nan, -SIZE)])
    embedding = np.random.default_rng(0).normal(size=(120, 3))
    return {
        "values": QuickModel.fit(SMILES[::2], gaps[::2], extra={"embedding": embedding[::2]}),
        "kernels": QuickModel.fit(SMILES[::2], gaps[::2], extra={"embedding": embedding[::2]}, members=["svm"]),
        "forest": QuickModel.fit(SMILES[::2], gaps[::2], extra={"embedding": embedding[::2]}, members=["forest"]),
        "classes": QuickModel.fit(SMILES[::2], IS_RING[::2].astype(float), extra={"embedding": embedding[::2]}),
    }


@pytest.mark.parametrize("name", ["values", "kernels", "forest", "classes"])
def test_what_is_loaded_predicts_the_same_bits(models, name, tmp_path):
    model, embedding = models[name], np.random.default_rng(1).normal(size=(121, 3))
    loaded = QuickModel.load(model.save(tmp_path))
    before, after = (each.predict([*SMILES, "oops"], extra={"embedding": embedding}) for each in (model, loaded))
    assert np.array_equal(before.values, after.values, equal_nan=True)
    assert np.array_equal(before.std, after.std, equal_nan=True)
    assert before.failures == after.failures
    assert loaded.report == {name: value for name, value in model.report.items() if name != "seconds"}
    assert loaded.smiles == model.smiles == SMILES[::2]
    if name != "classes":
        for one, other in zip(model.interval(before, 0.8), loaded.interval(after, 0.8), strict=True):
            assert np.array_equal(one, other, equal_nan=True)


def test_a_loaded_model_saves_the_same_files(models, tmp_path):
    models["values"].save(tmp_path / "one")
    QuickModel.load(tmp_path / "one").save(tmp_path / "two")
    for file in (TEXT_FILE, ARRAY_FILE):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_files_hold_nothing_else(models, tmp_path):
    models["classes"].save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [TEXT_FILE, ARRAY_FILE]
    assert all(values.dtype.kind in "if" for values in load_file(tmp_path / ARRAY_FILE).values())


def test_damaged_files_are_refused(models, tmp_path):
    models["values"].save(tmp_path)
    arrays, text = load_file(tmp_path / ARRAY_FILE), (tmp_path / TEXT_FILE).read_text()
    content = json.loads(text)

    def refused(changed_arrays, changed_text):
        save_file(changed_arrays, tmp_path / ARRAY_FILE)
        (tmp_path / TEXT_FILE).write_text(changed_text.replace(content["arrays"], digest_of(tmp_path / ARRAY_FILE)))
        with pytest.raises(ValueError, match="holds no whole quick model"):
            QuickModel.load(tmp_path)

    refused(arrays, text[: len(text) // 2])
    refused(arrays, json.dumps({**content, "format": 99}))
    refused(arrays, json.dumps({**content, "tasks": content["tasks"][:1]}))
    refused(arrays, json.dumps({**content, "smiles": content["smiles"][1:]}))
    refused(arrays, json.dumps({**content, "counts": ["nonsense"]}))
    for name, values in arrays.items():
        if name.split(".")[0] in ("dense", "counts", "scaler") or ".machine." in name or ".weights" in name:
            refused({**arrays, name: values[:-1]}, text)
    refused({name: values for name, values in arrays.items() if name != "task.0.weights"}, text)
    refused({**arrays, "task.1.known": arrays["task.1.known"] + 60}, text)
    (tmp_path / ARRAY_FILE).write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="holds no whole quick model"):
        QuickModel.load(tmp_path)


def test_files_of_two_models_are_refused(models, tmp_path):
    r"""As an interrupted save over another model leaves them: every shape fits."""
    models["values"].save(tmp_path)
    arrays = load_file(tmp_path / ARRAY_FILE)
    save_file({**arrays, "task.0.weights": arrays["task.0.weights"][::-1].copy()}, tmp_path / ARRAY_FILE)
    with pytest.raises(ValueError, match="do not belong together"):
        QuickModel.load(tmp_path)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(FileNotFoundError):
        QuickModel.load(tmp_path)


def test_a_descriptor_that_this_rdkit_lacks(models, tmp_path):
    models["values"].save(tmp_path)
    text = json.loads((tmp_path / TEXT_FILE).read_text())
    text["descriptors"][0] = "OfTheFuture"
    (tmp_path / TEXT_FILE).write_text(json.dumps(text))
    loaded = QuickModel.load(tmp_path)
    with pytest.raises(ValueError, match="'OfTheFuture'"):
        loaded.predict(SMILES[:2], extra={"embedding": np.zeros((2, 3))})
